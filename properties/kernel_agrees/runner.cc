#include "kernel_agrees/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "aiosim/choice.h"

namespace kernel_agrees {
namespace {

int open_flags(const Step& step) {
  return ((step.value & nonblock) != 0 ? O_NONBLOCK : 0) |
         ((step.value & close_on_exec) != 0 ? O_CLOEXEC : 0);
}

bool has(const Step& step, std::uint64_t flag) { return (step.value & flag) != 0; }

}  // namespace

bool Figures::operator==(const Figures& other) const {
  return count == other.count && std::equal(at.begin(), at.begin() + count, other.at.begin());
}

long Runner::outcome(long result) { return result < 0 ? -errno : result; }

void Runner::run(const Step& step, std::size_t number, Figures& out) {
  if (step.call >= Call::socket) return run_socket_call(step, number, out);
  switch (step.call) {
    case Call::eventfd:
      return make(::eventfd(step.a, open_flags(step) | (has(step, special) ? EFD_SEMAPHORE : 0)),
                  out);
    case Call::epoll_create1:
      return make(epoll_create1(open_flags(step) & O_CLOEXEC), out);
    case Call::timerfd_create:
      return make(timerfd_create(step.a == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME, open_flags(step)),
                  out);
    case Call::pipe2:
    case Call::socketpair:
      return make_pair(step, out);
    case Call::timerfd_settime:
    case Call::timerfd_gettime:
      return timer(step, out);
    case Call::read:
    case Call::readv:
      return take(step, out);
    case Call::write:
    case Call::writev:
      return give(step, number, out);
    case Call::epoll_ctl:
      return control(step, number, out);
    case Call::epoll_wait:
      return wait(step, out);
    case Call::poll:
      return look(step, out);
    default:
      return run_fd_call(step, number, out);
  }
}

void Runner::run_fd_call(const Step& step, std::size_t, Figures& out) {
  const int fd = real(step.fd);
  switch (step.call) {
    case Call::close:
      return close(step, out);
    case Call::dup:
      return make(::dup(fd), out);
    case Call::dup2:
      return make(::dup2(fd, real(step.other)), out);
    case Call::dup3:
      return make(::dup3(fd, real(step.other), open_flags(step) & O_CLOEXEC), out);
    case Call::dup_from:
      return make(fcntl(fd, has(step, close_on_exec) ? F_DUPFD_CLOEXEC : F_DUPFD,
                        real(step.other)),
                  out);
    case Call::set_flags:
      return out.add(outcome(fcntl(
          fd, F_SETFL, (open_flags(step) & O_NONBLOCK) | (has(step, special) ? O_APPEND : 0))));
    case Call::get_flags:
      return out.add(outcome(fcntl(fd, F_GETFL)));
    case Call::set_fd_flags:
      return out.add(outcome(fcntl(fd, F_SETFD, has(step, close_on_exec) ? FD_CLOEXEC : 0)));
    case Call::get_fd_flags:
      return out.add(outcome(fcntl(fd, F_GETFD)));
    case Call::get_pipe_size:
      return out.add(outcome(fcntl(fd, F_GETPIPE_SZ)));
    case Call::set_pipe_size:
      return out.add(outcome(fcntl(fd, F_SETPIPE_SZ, static_cast<long>(step.a))));
    case Call::set_nonblock: {
      int on = has(step, nonblock) ? 1 : 0;
      return out.add(outcome(ioctl(fd, FIONBIO, &on)));
    }
    default: {
      int unread = -1;
      out.add(outcome(ioctl(fd, FIONREAD, &unread)));
      return out.add(unread);
    }
  }
}

void Runner::make_pair(const Step& step, Figures& out) {
  int fds[2];
  const int flags = open_flags(step);
  const long result = outcome(step.call == Call::pipe2
                                  ? ::pipe2(fds, flags)
                                  : ::socketpair(AF_UNIX, SOCK_STREAM | flags, 0, fds));
  out.add(result);
  if (result < 0) return;
  out.add(fds[0] - shared_.shift);
  out.add(fds[1] - shared_.shift);
}

// --- what may block ---------------------------------------------------------------------------

bool Runner::is_blocking(int fd) const {
  const int flags = fcntl(real(fd), F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

bool Runner::would_block(int fd, short events) const {
  if (!is_main() || !is_blocking(fd)) return false;
  pollfd entry{real(fd), events, 0};
  return ::poll(&entry, 1, 0) == 0;
}

bool Runner::is_pipe(int fd) const {
  const int flags = fcntl(real(fd), F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDWR;
}

int Runner::family(int real_fd) {
  int domain = -1;
  socklen_t size = sizeof domain;
  return getsockopt(real_fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 ? domain : -1;
}

// Times are an hour, or so short that they are over after the sleep.
void Runner::timer(const Step& step, Figures& out) const {
  itimerspec value{};
  if (step.call == Call::timerfd_gettime) {
    out.add(outcome(::timerfd_gettime(real(step.fd), &value)));
  } else {
    const bool soon = step.a == 2;
    const timespec first = step.a == 0 ? timespec{} : timespec{soon ? 0 : 3600, soon};
    const itimerspec wanted{{step.value != 0 ? 3600 : 0, 0}, first};
    const long result = outcome(::timerfd_settime(real(step.fd), 0, &wanted, &value));
    out.add(result);
    const timespec later{0, 1};  // timers fire in the order of their expiry
    if (result == 0 && soon) nanosleep(&later, nullptr);
  }
  out.add(value.it_value.tv_sec != 0);
  out.add(value.it_interval.tv_sec);
}

void Runner::add_bytes(long count, Figures& out) const {
  out.add(count);
  std::uint64_t hash = 0;
  for (long i = 0; i < count; ++i) {
    hash = aiosim::mix64(hash ^ data_[static_cast<std::size_t>(i)]);
  }
  out.add(static_cast<long>(hash));
}

void Runner::take(const Step& step, Figures& out) {
  const std::size_t size = std::min<std::size_t>(step.a, data_.size());
  if (is_main() && is_blocking(step.fd) && family(real(step.fd)) >= 0) {
    return add_bytes(outcome(::recv(real(step.fd), data_.data(), size, MSG_DONTWAIT)), out);
  }
  if (would_block(step.fd, POLLIN)) return out.add(left_out);
  const std::size_t half = size / 2;
  const iovec parts[] = {{data_.data(), half}, {data_.data() + half, size - half}};
  const bool whole =
      step.call == Call::read || !(is_pipe(step.fd) || family(real(step.fd)) >= 0);
  add_bytes(outcome(whole ? ::read(real(step.fd), data_.data(), size)
                          : ::readv(real(step.fd), parts, 2)),
            out);
}

/// How many bytes the step writes; they lie in data_.
std::size_t Runner::fill(const Step& step, std::size_t number) {
  const int socket = family(real(step.fd));
  std::size_t size = std::min<std::size_t>(step.a, data_.size());
  const bool pipe = is_pipe(step.fd);
  if (pipe && is_main() && is_blocking(step.fd)) size = std::min<std::size_t>(size, 4096);
  // How much goes into a TCP connection is not compared.
  if (socket == AF_INET || (socket >= 0 && shared_.small)) size = std::min<std::size_t>(size, 600);
  // How eventfd takes more than 8 bytes depends on the kernel's age.
  if (!pipe && socket < 0) size = std::min<std::size_t>(size, 8);
  for (std::size_t i = 0; i < size; ++i) {
    data_[i] = static_cast<unsigned char>(aiosim::mix64(number) + i * 31);
  }
  const bool small = is_main() && is_blocking(step.fd);
  const std::uint64_t value = small ? 1 : step.value;
  if (!pipe && socket < 0 && size == 8) std::memcpy(data_.data(), &value, 8);
  return size;
}

void Runner::give(const Step& step, std::size_t number, Figures& out) {
  const std::size_t size = fill(step, number);
  const bool socket = family(real(step.fd)) >= 0;
  if (socket && is_main() && is_blocking(step.fd)) {
    return out.add(
        outcome(::send(real(step.fd), data_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)));
  }
  if (would_block(step.fd, POLLOUT)) return out.add(left_out);
  const std::size_t third = size / 3;
  const iovec parts[] = {{data_.data(), third}, {data_.data() + third, size - third}};
  const bool whole = step.call == Call::write || !(is_pipe(step.fd) || socket);
  out.add(outcome(whole ? ::write(real(step.fd), data_.data(), size)
                        : ::writev(real(step.fd), parts, 2)));
}

void Runner::close(const Step& step, Figures& out) const {
  if (shared_.plant == Plant::close_forgets_dup) {
    for (int fd = first_fd; fd < first_fd + fd_range; ++fd) {
      ::epoll_ctl(real(fd), EPOLL_CTL_DEL, real(step.fd), nullptr);
    }
  }
  out.add(outcome(::close(real(step.fd))));
}

// --- waiting ----------------------------------------------------------------------------------

void Runner::control(const Step& step, std::size_t number, Figures& out) const {
  epoll_event event{};
  event.events = step.a;
  if (shared_.plant == Plant::edge_is_level) event.events &= ~std::uint32_t{EPOLLET};
  event.data.u64 = number;
  out.add(outcome(
      ::epoll_ctl(real(step.fd), static_cast<int>(step.value), real(step.other), &event)));
}

void Runner::wait(const Step& step, Figures& out) const {
  std::array<epoll_event, 8> events{};
  const int max = std::min(static_cast<int>(step.a), static_cast<int>(events.size()));
  const long count = outcome(::epoll_wait(real(step.fd), events.data(), max, is_main() ? 0 : -1));
  out.add(count);
  for (long i = 0; i < count; ++i) {
    out.add(events[static_cast<std::size_t>(i)].events);
    out.add(static_cast<long>(events[static_cast<std::size_t>(i)].data.u64));
  }
}

void Runner::look(const Step& step, Figures& out) const {
  std::array<pollfd, fd_range + 1> fds{};
  nfds_t count = 0;
  for (int fd = first_fd; fd < first_fd + fd_range; ++fd) {
    if ((step.value >> (fd - first_fd) & 1) == 0) continue;
    fds[count++] = {real(fd), static_cast<short>(step.a & 0x3fff), -1};
  }
  fds[count++] = {-1, POLLIN, -1};
  out.add(outcome(::poll(fds.data(), count, is_main() ? 0 : -1)));
  for (nfds_t i = 0; i < count; ++i) {
    const bool unseen = shared_.plant == Plant::hang_up_unseen;
    out.add(unseen ? fds[i].revents & ~POLLHUP : fds[i].revents);
  }
}

}  // namespace kernel_agrees
