#include "kernel/epoll.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::uint32_t option_bits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
constexpr int max_nests = 4;

}  // namespace

Epoll::~Epoll() {
  ready_.clear();
  interest_.clear();
}

std::uint32_t Epoll::ask(Watch& watch, bool scan) {
  return watch.file->readiness(scan) & watch.event.events;
}

std::uint32_t Epoll::readiness(bool scan) {
  state_.timers.advance();
  for (auto at = ready_.begin(); at != ready_.end();) {
    if (ask(*at, scan) != 0) return EPOLLIN | EPOLLRDNORM;
    at = scan ? ready_.erase(at) : std::next(at);
  }
  return 0;
}

void Epoll::acquire_readiness(std::uint32_t) {
  for (Watch& watch : ready_) {
    if (const std::uint32_t mask = ask(watch, false)) watch.file->acquire_readiness(mask);
  }
}

bool Epoll::notice(Watch& watch, std::uint32_t mask) {
  if ((watch.event.events & ~option_bits) == 0) return false;  // switched off after one shot
  if (mask != anything && (mask & watch.event.events) == 0) return false;
  if (!watch.on_ready.is_linked()) ready_.push_back(watch);
  const bool woken = wake_sleeper();
  wake(EPOLLIN);
  // Linux: an exclusive watch that is told of both directions at once wakes, but does not count.
  const std::uint32_t direction = mask & (EPOLLIN | EPOLLOUT);
  return woken && (direction == 0 ||
                   (direction != (EPOLLIN | EPOLLOUT) && (direction & watch.event.events) != 0));
}

bool Epoll::wake_sleeper() {
  if (told_ == asleep_) return false;
  ++told_;
  return true;
}

void Epoll::check_now(Watch& watch) {
  if (ask(watch, true) == 0 || watch.on_ready.is_linked()) return;
  ready_.push_back(watch);
  wake_sleeper();
  wake(EPOLLIN);
}

Watch* Epoll::find(File& file, int fd) {
  for (Watch& watch : file.watchers) {
    if (watch.epoll == this && watch.fd == fd) return &watch;
  }
  return nullptr;
}

int Epoll::depth() const {
  int deepest = 0;
  for (const Watch& watch : interest_) {
    if (const auto* inner = dynamic_cast<const Epoll*>(watch.file)) {
      deepest = std::max(deepest, inner->depth() + 1);
    }
  }
  return deepest;
}

int Epoll::height() const {
  int highest = 0;
  for (const Watch& watch : watchers) highest = std::max(highest, watch.epoll->height() + 1);
  return highest;
}

bool Epoll::would_loop(const Epoll& added) const {
  if (&added == this) return true;
  for (const Watch& watch : added.interest_) {
    const auto* inner = dynamic_cast<const Epoll*>(watch.file);
    if (inner != nullptr && would_loop(*inner)) return true;
  }
  return false;
}

int Epoll::add(File& file, int fd, const epoll_event& event) {
  if ((event.events & EPOLLEXCLUSIVE) != 0) {
    constexpr std::uint32_t allowed =
        EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
    if (dynamic_cast<Epoll*>(&file) != nullptr || (event.events & ~allowed) != 0) return -EINVAL;
  }
  if (const auto* inner = dynamic_cast<const Epoll*>(&file)) {
    if (would_loop(*inner) || inner->depth() + 1 + height() > max_nests) return -ELOOP;
  }
  if (find(file, fd) != nullptr) return -EEXIST;
  if (fault::strikes(fault::PointId::epoll_ctl_enomem)) return -ENOMEM;
  if (fault::strikes(fault::PointId::epoll_ctl_enospc)) return -ENOSPC;
  Watch& watch = state_.new_watch();
  watch.epoll = this;
  watch.file = &file;
  watch.fd = fd;
  watch.age = ++state_.youngest_watch;
  watch.event = event;
  watch.event.events |= EPOLLERR | EPOLLHUP;
  watch.registered = {};
  state_.release(watch.registered);
  interest_.push_back(watch);
  // Linux tells the youngest first; exclusive ones come last.
  if ((event.events & EPOLLEXCLUSIVE) != 0) {
    file.watchers.push_back(watch);
  } else {
    file.watchers.push_front(watch);
  }
  check_now(watch);
  return 0;
}

int Epoll::modify(File& file, int fd, const epoll_event& event) {
  if ((event.events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
  Watch* watch = find(file, fd);
  if (watch == nullptr) return -ENOENT;
  if ((watch->event.events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
  watch->event = event;
  watch->event.events |= EPOLLERR | EPOLLHUP;
  state_.release(watch->registered);
  check_now(*watch);
  return 0;
}

int Epoll::remove(File& file, int fd) {
  Watch* watch = find(file, fd);
  if (watch == nullptr) return -ENOENT;
  forget(*watch);
  return 0;
}

void Epoll::forget(Watch& watch) {
  if (watch.on_ready.is_linked()) ready_.erase(ready_.iterator_to(watch));
  interest_.erase(interest_.iterator_to(watch));
  watch.file->watchers.erase(watch.file->watchers.iterator_to(watch));
  state_.free_watch(watch);
}

void Epoll::each_held(const std::function<void(const void*, std::size_t)>& visit) const {
  for (const Watch& watch : interest_) visit(&watch.event.data, sizeof watch.event.data);
}

void Epoll::closed() {
  while (!interest_.empty()) forget(interest_.front());
}

int Epoll::collect(epoll_event* events, int max) {
  WatchList<&Watch::on_ready> candidates;
  candidates.swap(ready_);
  int count = 0;
  while (!candidates.empty() && count < max) {
    Watch& watch = candidates.front();
    candidates.pop_front();
    const std::uint32_t mask = ask(watch, true);
    if (mask == 0) continue;
    events[count++] = {mask, watch.event.data};
    watch.file->acquire_readiness(mask);
    state_.acquire(watch.registered);
    if ((watch.event.events & EPOLLONESHOT) != 0) {
      watch.event.events &= option_bits;
    } else if ((watch.event.events & EPOLLET) == 0) {
      ready_.push_back(watch);
    }
  }
  ready_.splice(ready_.begin(), candidates);  // beyond `max`: first next time
  state_.world.state_changed();               // others may wait for what was taken
  return count;
}

// --- calls ------------------------------------------------------------------------------------

int Kernel::epoll_create1(int flags, const void* pc) {
  State& k = *state_;
  k.enter("epoll_create1", {}, pc);
  const auto done = [&](int result) { return k.leave("epoll_create1", result, result, pc); };
  if ((flags & ~EPOLL_CLOEXEC) != 0) return done(-EINVAL);
  if (fault::strikes(fault::PointId::epoll_create1_emfile)) return done(-EMFILE);
  return done(k.install(k.make<Epoll>(O_RDWR), (flags & EPOLL_CLOEXEC) != 0));
}

int Kernel::epoll_ctl(int epfd, int op, int fd, epoll_event* event, const void* pc) {
  State& k = *state_;
  k.enter("epoll_ctl", fd_object(epfd), pc);
  const auto done = [&](int result) { return k.leave("epoll_ctl", epfd, result, pc, fd); };
  if (op != EPOLL_CTL_DEL) {
    if (event == nullptr) return done(-EFAULT);
    k.world.memory.plain_read(k.thread(), event, sizeof *event, pc);
  }
  File* const instance = k.file(epfd);
  File* const file = k.file(fd);
  if (instance == nullptr || file == nullptr) return done(-EBADF);
  if (!file->pollable()) return done(-EPERM);
  auto* const epoll = dynamic_cast<Epoll*>(instance);
  if (epoll == nullptr || instance == file) return done(-EINVAL);
  k.world.state_changed();
  switch (op) {
    case EPOLL_CTL_ADD:
      return done(epoll->add(*file, fd, *event));
    case EPOLL_CTL_MOD:
      return done(epoll->modify(*file, fd, *event));
    case EPOLL_CTL_DEL:
      return done(epoll->remove(*file, fd));
    default:
      return done(-EINVAL);
  }
}

namespace {

bool has_events(void* epoll) { return static_cast<Epoll*>(epoll)->readiness(false) != 0; }

struct Beginning {
  State& k;
  Epoll& epoll;
};

// Something else than an event may end it, or events may go to somebody else because of it.
bool is_seen(const Beginning& wait) {
  return wait.epoll.has_exclusive() || wait.k.timers.next_ns() >= 0 ||
         fault::is_armed(fault::PointId::epoll_wait_eintr) || wait.k.signals.in_use();
}

bool is_due(void* beginning) {
  const auto& wait = *static_cast<Beginning*>(beginning);
  return wait.epoll.references == 0 || is_seen(wait) || has_events(&wait.epoll);
}

// The point before an epoll_wait. One that nothing but an event can end shows the same whether it
// began before the event or after: where waits are not to be seen (RunOptions), it is after.
void enter_wait(State& k, int epfd, std::int64_t timeout_ns, const SignalSet* mask,
                const void* pc) {
  auto* const epoll = dynamic_cast<Epoll*>(k.file(epfd));
  if (epoll == nullptr || timeout_ns >= 0 || mask != nullptr || is_seen({k, *epoll})) {
    return k.enter("epoll_wait", fd_object(epfd), pc);
  }
  Beginning wait{k, *epoll};
  k.world.point_before({is_due, &wait, -1, "epoll_wait", fd_object(epfd)}, pc,
                       {runtime::World::id_of(the_kernel), true});
}

// Fisher-Yates; 0 keeps the kernel's order.
void permute(runtime::World& world, epoll_event* events, int count) {
  for (int i = 0; i + 1 < count; ++i) {
    const auto left = static_cast<std::uint32_t>(count - i);
    const auto pick = static_cast<int>(world.choose(Kind::poll_order, left));
    if (pick != 0) std::swap(events[i], events[i + pick]);
  }
}

}  // namespace

int Kernel::epoll_wait(int epfd, epoll_event* events, int max, std::int64_t timeout_ns,
                       const SignalSet* mask, const void* pc) {
  State& k = *state_;
  enter_wait(k, epfd, timeout_ns, mask, pc);
  if (mask != nullptr) k.signals.set_blocked_for_call(*mask);
  const auto done = [&](int result) { return k.leave("epoll_wait", epfd, result, pc, max); };
  constexpr int most_events = static_cast<int>(INT32_MAX / sizeof(epoll_event));
  File* const instance = k.file(epfd);
  if (instance == nullptr) return done(-EBADF);
  if (max <= 0 || max > most_events) return done(-EINVAL);
  auto* const epoll = dynamic_cast<Epoll*>(instance);
  if (epoll == nullptr) return done(-EINVAL);

  k.pin(*epoll);
  const std::int64_t deadline_ns = deadline_after(k.world.now_ns(), timeout_ns);
  int result = epoll->collect(events, max);
  while (result == 0 && timeout_ns != 0) {
    epoll->sleeper_comes();
    const int woken = k.wait("epoll_wait", fd_object(epfd), deadline_ns,
                             fault::PointId::epoll_wait_eintr, has_events, epoll);
    epoll->sleeper_goes();
    result = epoll->collect(events, max);
    if (result == 0 && woken == -EINTR) result = -EINTR;
    if (woken == -ETIMEDOUT) break;
  }
  k.drop(*epoll);
  if (result > 0) {
    const auto size = static_cast<std::size_t>(result) * sizeof *events;
    k.world.memory.plain_write(k.thread(), events, size, pc);
    permute(k.world, events, result);
  }
  return done(result);
}

}  // namespace aiosim::kernel
