// Sequences of system calls, and their text: one call a line.
//
//   epoll_create1 flags=
//   eventfd initial=2 flags=nonblock
//   epoll_ctl epfd=3 fd=4 events=in|et op=add
//   B: epoll_wait epfd=3 max=4
//
// A line that starts with "B: " or "C: " is made by another thread, which may block in it. Numbers
// of fds are those of a process that has 0, 1 and 2 open.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kernel_agrees {

enum class Call : std::uint8_t {
  eventfd, pipe2, epoll_create1, timerfd_create, timerfd_settime, timerfd_gettime,
  read, write, readv, writev, close, dup, dup2, dup3, dup_from,
  set_flags, get_flags, set_fd_flags, get_fd_flags, get_pipe_size, set_pipe_size,
  set_nonblock, unread, epoll_ctl, epoll_wait, poll,
  socketpair, socket, bind, listen, connect, accept, send, recv, sendmsg, recvmsg, shutdown,
  getsockname, getpeername, get_option, set_option,
  count_
};
inline constexpr std::size_t call_count = static_cast<std::size_t>(Call::count_);

/// Bits of Step::value, where a call has flags.
inline constexpr std::uint64_t nonblock = 1;
inline constexpr std::uint64_t close_on_exec = 2;
inline constexpr std::uint64_t special = 4;  // EFD_SEMAPHORE, O_APPEND, MSG_PEEK

struct Step {
  Call call = Call::eventfd;
  int thread = 0;  // 0: the main one, which never blocks; 1 is B, 2 is C
  int fd = -1;
  int other = -1;        // a second fd
  std::uint32_t a = 0;   // sizes, events: by call
  std::uint64_t value = 0;
  bool operator==(const Step&) const = default;
};
using Sequence = std::vector<Step>;

inline constexpr int first_fd = 3;
inline constexpr int fd_range = 20;  // numbers that steps use, some of them not open
inline constexpr int worker_count = 2;
inline constexpr std::size_t most_steps = 160;

const char* name(Call call);
/// Which of the fields the call has, as its text names them; null: it has not.
struct Fields {
  const char* name;
  const char* fd;
  const char* other;
  const char* a;
  const char* value;
};
const Fields& fields(Call call);

std::string describe(const Step& step);
std::string to_text(const Sequence& steps);
/// Throws std::runtime_error "WHERE:LINE: what is wrong".
Sequence parse(const std::string& text, const std::string& where);

}  // namespace kernel_agrees
