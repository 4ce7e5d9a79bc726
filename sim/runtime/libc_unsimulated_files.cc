// Calls on files and processes that a world does not have: under test they end the run by name.
// Those that take an fd would reach whatever the host has under that number.
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "runtime/unsimulated.h"

using namespace aiosim::runtime;

extern "C" {

// Fds.
UNSIMULATED(ssize_t, vmsplice, (int fd, const iovec* segments, std::size_t count, unsigned flags),
            (fd, segments, count, flags), )
UNSIMULATED(ssize_t, tee, (int in, int out, std::size_t size, unsigned flags),
            (in, out, size, flags), )
UNSIMULATED(ssize_t, copy_file_range,
            (int in, off64_t* in_at, int out, off64_t* out_at, std::size_t size, unsigned flags),
            (in, in_at, out, out_at, size, flags), )
UNSIMULATED(ssize_t, preadv, (int fd, const iovec* segments, int count, off_t at),
            (fd, segments, count, at), )
UNSIMULATED(ssize_t, preadv64, (int fd, const iovec* segments, int count, off64_t at),
            (fd, segments, count, at), )
UNSIMULATED(ssize_t, pwritev, (int fd, const iovec* segments, int count, off_t at),
            (fd, segments, count, at), )
UNSIMULATED(ssize_t, pwritev64, (int fd, const iovec* segments, int count, off64_t at),
            (fd, segments, count, at), )
UNSIMULATED(ssize_t, preadv2, (int fd, const iovec* segments, int count, off_t at, int flags),
            (fd, segments, count, at, flags), )
UNSIMULATED(ssize_t, pwritev2, (int fd, const iovec* segments, int count, off_t at, int flags),
            (fd, segments, count, at, flags), )
UNSIMULATED(int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags),
            (fd, messages, count, flags), )
UNSIMULATED(int, recvmmsg, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit),
            (fd, messages, count, flags, limit), )
UNSIMULATED(int, inotify_init, (), (), noexcept)
UNSIMULATED(int, inotify_init1, (int flags), (flags), noexcept)
UNSIMULATED(int, vdprintf, (int fd, const char* format, std::va_list list), (fd, format, list), )
UNSIMULATED(FILE*, fdopen, (int fd, const char* mode), (fd, mode), noexcept)

int dprintf(int fd, const char* format, ...) {
  std::va_list list;
  va_start(list, format);
  const int size = vdprintf(fd, format, list);
  va_end(list);
  return size;
}

// What has no fd is the heap of code that makes its own.
void* mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  if (fd >= 0 && (flags & MAP_ANONYMOUS) == 0 && under_test()) not_simulated("mmap() of an fd");
  return AIOSIM_REAL(mmap)(at, size, protection, flags, fd, offset);
}

void* mmap64(void* at, std::size_t size, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return mmap(at, size, protection, flags, fd, offset);
}

// Paths.
UNSIMULATED(FILE*, fopen, (const char* path, const char* mode), (path, mode), )
UNSIMULATED(FILE*, fopen64, (const char* path, const char* mode), (path, mode), )
UNSIMULATED(FILE*, freopen, (const char* path, const char* mode, FILE* file), (path, mode, file), )
UNSIMULATED(FILE*, tmpfile, (), (), )
UNSIMULATED(int, mkstemp, (char* name), (name), )
UNSIMULATED(int, creat, (const char* path, mode_t mode), (path, mode), )
UNSIMULATED(DIR*, opendir, (const char* path), (path), )
UNSIMULATED(int, unlink, (const char* path), (path), noexcept)
UNSIMULATED(int, rename, (const char* from, const char* to), (from, to), noexcept)
UNSIMULATED(int, mkdir, (const char* path, mode_t mode), (path, mode), noexcept)
UNSIMULATED(int, rmdir, (const char* path), (path), noexcept)
UNSIMULATED(int, shm_open, (const char* name, int flags, mode_t mode), (name, flags, mode), )

// Processes: their environment and priority outlive a run.
UNSIMULATED(int, system, (const char* command), (command), )
UNSIMULATED(FILE*, popen, (const char* command, const char* mode), (command, mode), )
UNSIMULATED(int, posix_spawn,
            (pid_t * child, const char* path, const posix_spawn_file_actions_t* actions,
             const posix_spawnattr_t* attributes, char* const* arguments, char* const* variables),
            (child, path, actions, attributes, arguments, variables), )
UNSIMULATED(int, posix_spawnp,
            (pid_t * child, const char* file, const posix_spawn_file_actions_t* actions,
             const posix_spawnattr_t* attributes, char* const* arguments, char* const* variables),
            (child, file, actions, attributes, arguments, variables), )
UNSIMULATED(int, execve, (const char* path, char* const* arguments, char* const* variables),
            (path, arguments, variables), noexcept)
UNSIMULATED(int, setenv, (const char* name, const char* value, int replace),
            (name, value, replace), noexcept)
UNSIMULATED(int, unsetenv, (const char* name), (name), noexcept)
UNSIMULATED(int, putenv, (char* variable), (variable), noexcept)
UNSIMULATED(int, clearenv, (), (), noexcept)
UNSIMULATED(int, nice, (int more), (more), noexcept)
UNSIMULATED(int, setpriority, (__priority_which_t which, id_t who, int priority),
            (which, who, priority), noexcept)

}  // extern "C"
