// Calls on files: memfd_create and what moves by offset. off_t has 64 bits, so that each call and
// its 64 are the same.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/libc_call.h"
#include "runtime/real.h"

using namespace aiosim::runtime;

static_assert(sizeof(off_t) == 8 && sizeof(struct stat) == sizeof(struct stat64));

// FUNCTION(parameters): Kernel::METHOD(ARGUMENTS..., pc), or the real one with ARGUMENTS. `spec` is
// libc's exception specification, which a definition has to repeat.
#define ARGUMENTS(...) __VA_ARGS__
#define FILE_CALL(result, function, parameters, method, arguments, real, spec) \
  result function parameters spec {                                            \
    if (!under_test()) return AIOSIM_REAL(function)(real);                     \
    const void* pc = CALLER;                                                   \
    const RuntimeScope scope;                                                  \
    return libc_result(world().kernel->method(arguments, pc));                 \
  }
#define SAME_CALL(result, function, parameters, method, arguments, spec) \
  FILE_CALL(result, function, parameters, method, ARGUMENTS(arguments), ARGUMENTS(arguments), spec)

extern "C" {

SAME_CALL(int, memfd_create, (const char* name, unsigned flags), memfd_create,
          ARGUMENTS(name, flags), noexcept)
SAME_CALL(ssize_t, pread, (int fd, void* data, std::size_t size, off_t at), pread,
          ARGUMENTS(fd, data, size, at), )
SAME_CALL(ssize_t, pread64, (int fd, void* data, std::size_t size, off64_t at), pread,
          ARGUMENTS(fd, data, size, at), )
SAME_CALL(ssize_t, pwrite, (int fd, const void* data, std::size_t size, off_t at), pwrite,
          ARGUMENTS(fd, data, size, at), )
SAME_CALL(ssize_t, pwrite64, (int fd, const void* data, std::size_t size, off64_t at), pwrite,
          ARGUMENTS(fd, data, size, at), )
SAME_CALL(off_t, lseek, (int fd, off_t offset, int whence), lseek, ARGUMENTS(fd, offset, whence),
          noexcept)
SAME_CALL(off64_t, lseek64, (int fd, off64_t offset, int whence), lseek,
          ARGUMENTS(fd, offset, whence), noexcept)
SAME_CALL(int, ftruncate, (int fd, off_t size), ftruncate, ARGUMENTS(fd, size), noexcept)
SAME_CALL(int, ftruncate64, (int fd, off64_t size), ftruncate, ARGUMENTS(fd, size), noexcept)
SAME_CALL(int, fstat, (int fd, struct stat* out), fstat, ARGUMENTS(fd, out), noexcept)
FILE_CALL(int, fstat64, (int fd, struct stat64* out), fstat,
          ARGUMENTS(fd, reinterpret_cast<struct stat*>(out)), ARGUMENTS(fd, out), noexcept)
FILE_CALL(int, fsync, (int fd), fsync, ARGUMENTS("fsync", fd), fd, )
FILE_CALL(int, fdatasync, (int fd), fsync, ARGUMENTS("fdatasync", fd), fd, )

}  // extern "C"
