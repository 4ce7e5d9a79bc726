// The simulated kernel's objects and calls, as the libc layer (runtime/libc_*.cc) uses them.
//
// Calls return what the system call does: >= 0, or -errno. Each is made on a simulated thread under
// test, passes a scheduling point first (World::point), asks the fault points that apply, and wakes
// waiters by World::state_changed(). Semantics are those of Linux man pages, section 2; README.md
// says where they end. The caller holds a RuntimeScope: host memory is allocated inside.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct io_event;
struct io_uring;
struct io_uring_params;
struct iocb;
struct stat;

namespace aiosim::runtime {
class World;
}

namespace aiosim::kernel {

class Signals;
class State;

/// Signals, bit n-1 for signal n: the kernel's sigset_t.
using SignalSet = std::uint64_t;

/// What getpid() says, and gettid() on the first thread; and the uid in a siginfo_t.
inline constexpr pid_t process_id = 1000;
inline constexpr uid_t user_id = 1000;

class Kernel {
 public:
  explicit Kernel(runtime::World& world);
  ~Kernel();

  /// A fresh kernel: no fds but 0, 1, 2 (which belong to the host and are not known here).
  void reset();

  /// The next instant at which an fd becomes ready by itself (timerfd), or -1.
  std::int64_t next_deadline_ns() const;

  /// Calls visit(address, bytes) for memory of code under test that open descriptions hand back
  /// (the data words of epoll): what it points to is not lost.
  void each_held(const std::function<void(const void*, std::size_t)>& visit) const;

  /// The numbers that are open, lowest first.
  std::vector<int> open_fds() const;
  /// Who closed what was not open any more, first; "" if nobody did.
  const std::string& closed_twice() const;

  // man 2 of each. pc: the caller, for the trace.
  int eventfd(unsigned initial, int flags, const void* pc);
  int pipe2(int fds[2], int flags, const void* pc);
  int timerfd_create(int clock, int flags, const void* pc);
  int timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old, const void* pc);
  int timerfd_gettime(int fd, itimerspec* value, const void* pc);
  int epoll_create1(int flags, const void* pc);
  int epoll_ctl(int epfd, int op, int fd, epoll_event* event, const void* pc);
  // mask: the thread's while the call lasts, or null.
  int epoll_wait(int epfd, epoll_event* events, int max, std::int64_t timeout_ns,
                 const SignalSet* mask, const void* pc);
  int poll(pollfd* fds, nfds_t count, std::int64_t timeout_ns, const SignalSet* mask,
           const char* call, const void* pc);
  /// timeout_ns, unless < 0, becomes what is left of it.
  int select(int count, fd_set* in, fd_set* out, fd_set* exceptional, std::int64_t& timeout_ns,
             const SignalSet* mask, const char* call, const void* pc);
  ssize_t read(int fd, void* buffer, std::size_t size, const void* pc);
  ssize_t write(int fd, const void* buffer, std::size_t size, const void* pc);
  ssize_t readv(int fd, const iovec* segments, int count, const void* pc);
  ssize_t writev(int fd, const iovec* segments, int count, const void* pc);
  int close(int fd, const void* pc);
  int fcntl(int fd, int command, long argument, const void* pc);
  int dup(int fd, const void* pc);
  int dup2(int from, int to, const void* pc);
  int dup3(int from, int to, int flags, const void* pc);

  // io_uring(7), as liburing's functions need it: io_uring_setup with the maps, io_uring_enter, and
  // the end of both fd and maps.
  int io_uring_setup(unsigned entries, ::io_uring* ring, io_uring_params* params, const void* pc);
  int io_uring_enter(int fd, unsigned submit, unsigned complete, unsigned flags, const void* pc);
  int io_uring_close(int fd, const void* pc);

  // Files: memfds alone; the rest of fds as far as they cannot seek.
  int memfd_create(const char* name, unsigned flags, const void* pc);
  ssize_t pread(int fd, void* buffer, std::size_t size, off_t offset, const void* pc);
  ssize_t pwrite(int fd, const void* buffer, std::size_t size, off_t offset, const void* pc);
  off_t lseek(int fd, off_t offset, int whence, const void* pc);
  int ftruncate(int fd, off_t size, const void* pc);
  int fsync(const char* call, int fd, const void* pc);  // and fdatasync
  int fstat(int fd, struct stat* out, const void* pc);

  // Linux AIO. `id`: aio_context_t, the address of the ring.
  int io_setup(unsigned most, unsigned long* id, const void* pc);
  int io_destroy(unsigned long id, const void* pc);
  long io_submit(unsigned long id, long count, iocb** blocks, const void* pc);
  /// timeout_ns -1: for ever.
  long io_getevents(unsigned long id, long least, long most, io_event* events,
                    std::int64_t timeout_ns, const void* pc);
  int io_cancel(const iocb* block, const void* pc);

  int ioctl(int fd, unsigned long request, void* argument, const void* pc);

  // Stream sockets: AF_UNIX with abstract names, AF_INET on the loopback.
  int socket(int domain, int type, int protocol, const void* pc);
  int socketpair(int domain, int type, int protocol, int fds[2], const void* pc);
  int bind(int fd, const sockaddr* address, socklen_t size, const void* pc);
  int listen(int fd, int backlog, const void* pc);
  int accept4(int fd, sockaddr* address, socklen_t* size, int flags, const void* pc);
  int connect(int fd, const sockaddr* address, socklen_t size, const void* pc);
  int shutdown(int fd, int how, const void* pc);
  int getsockname(int fd, sockaddr* address, socklen_t* size, const void* pc);
  int getpeername(int fd, sockaddr* address, socklen_t* size, const void* pc);
  int getsockopt(int fd, int level, int name, void* value, socklen_t* size, const void* pc);
  int setsockopt(int fd, int level, int name, const void* value, socklen_t size, const void* pc);
  ssize_t sendmsg(int fd, const msghdr* message, int flags, const char* call, const void* pc);
  ssize_t recvmsg(int fd, msghdr* message, int flags, const char* call, const void* pc);

  // Signals. Threads are named by their creation index.
  int sigaction(int number, const struct sigaction* what, struct sigaction* old, const void* pc);
  int sigprocmask(int how, const SignalSet* set, SignalSet* old, const void* pc);
  SignalSet sigpending(const void* pc);
  /// `thread`: Signals::process for a signal to the process. info.si_signo 0 sends nothing.
  int send_signal(const char* call, const siginfo_t& info, std::uint32_t thread, const void* pc);
  /// `mask` null: pause(2).
  int sigsuspend(const char* call, const SignalSet* mask, const void* pc);
  int sigtimedwait(SignalSet wanted, siginfo_t* info, std::int64_t timeout_ns, const void* pc);
  int signalfd(int fd, SignalSet mask, int flags, const void* pc);
  void thread_created(std::uint32_t creator, std::uint32_t created);
  void thread_exited(std::uint32_t thread);
  Signals& signals();

  // futex(2): WAIT, WAIT_BITSET, WAKE, WAKE_BITSET (private or not); others are ENOSYS.
  int futex_wait(std::uint32_t* word, std::uint32_t expected, std::int64_t deadline_ns,
                 std::uint32_t bitset, const void* pc);
  int futex_wake(std::uint32_t* word, int count, std::uint32_t bitset, const void* pc);

  /// getrandom(2): the same bytes in every run.
  void random_bytes(void* buffer, std::size_t size, const void* pc);

  // time
  int clock_nanosleep(int clock, int flags, const timespec* request, timespec* remain,
                      const void* pc);

 private:
  ssize_t read_segments(int fd, const iovec* segments, int count, bool vector, const void* pc);
  ssize_t write_segments(int fd, const iovec* segments, int count, bool vector, const void* pc);

  std::unique_ptr<State> state_;
};

}  // namespace aiosim::kernel
