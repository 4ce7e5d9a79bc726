// epoll(7): an interest list, and a ready list that is Linux's down to its order.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "kernel/file.h"

namespace aiosim::kernel {

/// A watch joins the ready list's end when its file says that something may have happened (an
/// edge), and is asked for its readiness (the level) when somebody waits. Level-triggered watches
/// go back to the end once reported, edge-triggered ones do not, one-shot ones are switched off.
class Epoll final : public File {
 public:
  Epoll(State& state, int open_flags) : File(state, open_flags) {}
  ~Epoll() override;

  std::uint32_t readiness(bool scan) override;
  void closed() override;
  int unread() override { return -EINVAL; }
  bool reads() const override { return false; }
  bool writes() const override { return false; }
  void each_held(const std::function<void(const void*, std::size_t)>& visit) const override;
  void acquire_readiness(std::uint32_t mask) override;

  /// epoll_ctl's three operations: 0 or -errno.
  int add(File& file, int fd, const epoll_event& event);
  int modify(File& file, int fd, const epoll_event& event);
  int remove(File& file, int fd);

  /// Takes up to `max` events off the ready list, in its order.
  int collect(epoll_event* events, int max);

  /// A wake-up call that says nothing about what happened.
  static constexpr std::uint32_t anything = 0;
  /// A file's wake-up call reached `watch` (Linux: ep_poll_callback). Was a sleeper woken by it?
  bool notice(Watch& watch, std::uint32_t mask);
  /// A thread goes to sleep in epoll_wait, or is awake again.
  void sleeper_comes() { ++asleep_; }
  void sleeper_goes() {
    --asleep_;
    if (told_ > 0) --told_;
  }
  void forget(Watch& watch);

  /// Is a file watched with EPOLLEXCLUSIVE, so that it matters who sleeps here?
  bool has_exclusive() const {
    for (const Watch& watch : interest_) {
      if ((watch.event.events & EPOLLEXCLUSIVE) != 0) return true;
    }
    return false;
  }

  /// Can it tell in which order things happened to its files?
  bool tells_order() const {
    return !watchers.empty() || (!interest_.empty() && ++interest_.begin() != interest_.end());
  }

 private:
  Watch* find(File& file, int fd);
  bool would_loop(const Epoll& added) const;
  /// Nested instances below this one, and instances above it that watch it.
  int depth() const;
  int height() const;
  /// The watched file's bits that `watch` asks for.
  static std::uint32_t ask(Watch& watch, bool scan);
  void check_now(Watch& watch);
  bool wake_sleeper();

  int asleep_ = 0;
  int told_ = 0;  // of the sleepers: woken, but not awake yet
  WatchList<&Watch::on_epoll> interest_;
  WatchList<&Watch::on_ready> ready_;
};

}  // namespace aiosim::kernel
