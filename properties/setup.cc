// What a run starts from and leaves behind: the loop, its bottom halves, timers and fds.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "interpreter.h"
#include "under_test.h"

namespace properties {

using aiosim::UnderTestScope;

/// What the program uses, and who touches what.
void Interpreter::analyse() {
  std::array<std::array<bool, max_threads>, max_timers + 1> timer_touches{};
  for (const Part& part : program_.parts) {
    const int thread = part.role == Role::producer ? part.number : 0;
    const auto slot = static_cast<std::size_t>(thread);
    if (part.role == Role::bh) bhs_[static_cast<std::size_t>(part.number)].used = true;
    if (part.role == Role::fd) fds_[static_cast<std::size_t>(part.number)].used = true;
    if (part.role == Role::timer) timers_[static_cast<std::size_t>(part.number)].used = true;
    for (const Op& op : part.ops) {
      const auto i = static_cast<std::size_t>(op.index);
      const int limit = index_limit(op.verb);
      switch (op.verb) {
        case Verb::cancel:
          bhs_[i].cancelled = true;
          [[fallthrough]];
        case Verb::schedule:
        case Verb::schedule_idle:
        case Verb::delete_bh:
          bhs_[i].used = true;
          touches_[i][slot] = true;
          break;
        case Verb::disarm:
          timers_[i].countable = false;
          [[fallthrough]];
        case Verb::arm:
          if (op.amount > longest_ns) timers_[i].countable = false;
          timers_[i].used = true;
          timer_touches[i][slot] = true;
          break;
        case Verb::watch_request:
          fds_[i].used = true;
          break;
        case Verb::set_flag:
          waitable_[i] |= thread > 0;
          break;
        default:
          if (limit == max_fds && i > 0) fds_[i].used = true;
          break;
      }
    }
  }
  for (std::size_t i = 1; i <= max_bhs; ++i) {
    int threads = 0;
    for (const bool touched : touches_[i]) threads += touched ? 1 : 0;
    bhs_[i].single = threads <= 1;
  }
  // A timer that one thread alone arms and disarms is armed exactly when the harness thinks so.
  for (std::size_t i = 1; i <= max_timers; ++i) {
    int threads = 0;
    for (const bool touched : timer_touches[i]) threads += touched ? 1 : 0;
    if (threads <= 1) timers_[i].countable = true;
  }
  for (std::size_t i = 1; i <= max_fds; ++i) fds_[i].pipe = i % 2 == 0;
  fds_[max_fds].full = true;
}

/// What callbacks are given, and find their way by.
void Interpreter::introduce() {
  for (std::size_t i = 0; i <= max_bhs; ++i) {
    bhs_[i].self = this;
    bhs_[i].number = static_cast<int>(i);
  }
  for (std::size_t i = 0; i <= max_timers; ++i) {
    timers_[i].self = this;
    timers_[i].number = static_cast<int>(i);
  }
  for (Instance& instance : instances_) instance.self = this;
  for (Registration& handler : registrations_) handler.self = this;
  for (Own& own : own_) own.self = this;
}

// Nobody else is there yet: no store needs an order, and there are many.
void Interpreter::reset() {
  const auto set = [](auto& at, auto value) { at.store(value, std::memory_order_relaxed); };
  recorder_.reset();
  loop_ = nullptr;
  for (BhState& bh : bhs_) {
    set(bh.deleted, false);
    bh.payload = {};
    for (auto& last : bh.last) set(last, 0U);
    for (auto& seen : bh.seen) set(seen, 0U);
  }
  for (FdState& fd : fds_) {
    fd.read_fd = fd.write_fd = -1;
    set(fd.data, 0);
    set(fd.signalling, 0);
    set(fd.hung_up, false);
    set(fd.closed, false);
    set(fd.busy, false);
    set(fd.current, nullptr);
    set(fd.registered, false);
    fd.ready_depth = 0;
    fd.called = -1;
  }
  for (TimerState& timer : timers_) set(timer.armed, false);
  for (Instance& instance : used(instances_, next_instance_)) {
    instance.payload = 0;
    set(instance.outstanding, false);
  }
  for (Registration& handler : used(registrations_, next_registration_)) {
    set(handler.polling, 0U);
    handler.hooks = 0;
    set(handler.stale, false);
    handler.writes = 0;
    handler.window = 0;
    handler.quiet_since_ns = -1;
    handler.quiet = false;
    handler.last_poll_due = false;
  }
  for (Own& own : used(own_, next_own_)) {
    own.handle = nullptr;
    set(own.pending, false);
    set(own.outstanding, false);
  }
  set(next_instance_, 0);
  set(next_registration_, 0);
  set(next_own_, 0);
  completed_ = nullptr;
  flags_ = {};
  for (auto& begun : flags_begun_) set(begun, false);
  for (auto& finished : finished_) set(finished, false);
  meeting_ = PTHREAD_MUTEX_INITIALIZER;
  calls_ = {};
  home_notified_ = joined_ = false;
  set(held_, false);
  set(holding_, false);
  depth_ = waits_ = bhs_running_ = oneshots_running_ = 0;
  home_calls_ = 0;
  window_ = 0;
  found_in_ = -1;
  window_open_ = false;
  for (auto& thread : world_threads_) thread = 0;
  loop_has_threads_ = false;
  set(told_, 0U);
  last_wait_ns_ = 0;
}

void Interpreter::set_up() {
  aiosim::name_thread("home");
  make_loop();
  for (int i = 1; i <= max_bhs; ++i) {
    BhState& bh = bhs_[static_cast<std::size_t>(i)];
    if (!bh.used) continue;
    const UnderTestScope scope;
    bh.handle = loop_->new_bh(on_bh, &bh);
  }
  for (int i = 1; i <= max_timers; ++i) {
    TimerState& timer = timers_[static_cast<std::size_t>(i)];
    if (!timer.used) continue;
    const UnderTestScope scope;
    timer.handle = loop_->new_timer(on_timer, &timer);
  }
  make_fds();
  const Part* options = program_.find(Role::options);
  if (options == nullptr) return;
  for (const Op& op : options->ops) {
    if (op.verb == Verb::handler) run_op(0, {Verb::add_fd, op.index, 0, op.pollable, op.write});
  }
}

/// A loop may report that the kernel refuses it an fd (R97); it is then made again.
void Interpreter::make_loop() {
  LoopOptions options{.poll_max_ns = poll_max_ns_};
  options.poll_grow = program_.option(Verb::poll_grow, 0);
  options.poll_shrink = program_.option(Verb::poll_shrink, 0);
  options.polling = on_polling;
  options.opaque = this;
  loop_ = made([&] { return module_.create(options); });
}

int Interpreter::make_eventfd() {
  const UnderTestScope scope;
  for (;;) {
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd >= 0 || errno != EMFILE) return fd;  // injected: a limited number of times
  }
}

/// An eventfd, or a pipe, of which `read_fd` is the end with a handler; false if there is none.
bool Interpreter::make_file(FdState& fd) const {
  fd.read_fd = fd.write_fd = -1;
  if (fd.has_other_end()) {
    int ends[2] = {-1, -1};
    const UnderTestScope scope;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0) {
      fd.read_fd = ends[fd.full ? 1 : 0];
      fd.write_fd = ends[fd.full ? 0 : 1];
      if (fd.full) fill(fd);
    }
  } else {
    fd.read_fd = fd.write_fd = make_eventfd();
  }
  if (fd.read_fd < 0) return false;
  const bool ends = fd.write_fd != fd.read_fd;
  fd.read_fd = moved(fd.read_fd);
  fd.write_fd = ends ? moved(fd.write_fd) : fd.read_fd;
  return true;
}

/// To a number from first_fd_ on.
int Interpreter::moved(int fd) const {
  if (first_fd_ == 0) return fd;
  const UnderTestScope scope;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, first_fd_);
  if (higher < 0) return fd;
  close(fd);
  return higher;
}

/// A pipe is full when each of its pages holds something.
void Interpreter::fill(const FdState& fd) {
  constexpr int one_page = 4096;
  fcntl(fd.read_fd, F_SETPIPE_SZ, one_page);
  const std::array<char, one_page> bytes{};
  for (;;) {
    const ssize_t size = write(fd.read_fd, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) return;
  }
}

void Interpreter::close_file(FdState& fd) {
  close_own_end(fd);
  close_other_end(fd);
}

/// Whether the other end has been told: not while somebody else holds the file.
bool Interpreter::close_own_end(FdState& fd) {
  const UnderTestScope scope;
  close(fd.read_fd);
  if (!fd.has_other_end() || fd.hung_up) return true;
  pollfd other{fd.write_fd, 0, 0};
  return ::poll(&other, 1, 0) == 1;
}

void Interpreter::close_other_end(FdState& fd) {
  const UnderTestScope scope;
  if (fd.has_other_end() && !fd.hung_up) close(fd.write_fd);
}

void Interpreter::make_fds() {
  for (FdState& fd : fds_) {
    if (fd.used && !make_file(fd)) {
      aiosim::stop_run({aiosim::VerdictKind::crash, "",
                        std::string("the harness got no fd: ") + std::strerror(errno)});
    }
  }
}

void Interpreter::close_fds() {
  for (FdState& fd : fds_) {
    if (fd.used && !fd.closed) close_file(fd);
  }
}

void Interpreter::write_fd(int fd) {
  const std::uint64_t one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/// All of it: a level-triggered fd is then not readable. Returns how many bytes.
std::int64_t Interpreter::read_fd(int fd) {
  std::uint64_t buffer[64];
  std::int64_t total = 0;
  for (;;) {
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    total += size > 0 ? size : 0;
    if (size < static_cast<ssize_t>(sizeof buffer)) return total;
  }
}

}  // namespace properties
