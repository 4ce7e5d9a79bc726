// select(2) and pselect(2).
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "kernel/state.h"

namespace aiosim::kernel {
namespace {

constexpr std::uint32_t not_open = 1u << 31;  // Linux: EPOLLNVAL, which each set reports

// What readiness makes a member of each set stay: in, out, exceptional.
constexpr std::array<std::uint32_t, 3> stays = {
    EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | not_open,
    EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | not_open, EPOLLPRI | not_open};

struct Sets {
  int count;
  std::array<fd_set*, 3> at;

  bool has(std::size_t set, int fd) const { return at[set] != nullptr && FD_ISSET(fd, at[set]); }
  std::uint32_t wanted(int fd) const {
    std::uint32_t mask = 0;
    for (std::size_t set = 0; set < at.size(); ++set) mask |= has(set, fd) ? stays[set] : 0;
    return mask;
  }
  std::size_t bytes() const {
    constexpr int word_bits = 8 * sizeof(long);
    return static_cast<std::size_t>((count + word_bits - 1) / word_bits) * sizeof(long);
  }
};

struct Sleep {
  const Sets* sets;
  const std::vector<File*>* files;  // by fd
};

bool any_ready(void* data) {
  const auto& sleep = *static_cast<Sleep*>(data);
  for (int fd = 0; fd < sleep.sets->count; ++fd) {
    File* const file = (*sleep.files)[static_cast<std::size_t>(fd)];
    if (file != nullptr && (file->readiness(false) & sleep.sets->wanted(fd)) != 0) return true;
  }
  return false;
}

// As in poll: a close by another thread does not wake it.
int sleep_until_ready(State& k, const Sets& sets, std::int64_t deadline_ns, const char* call) {
  std::vector<File*>& files = k.polled[k.thread()];
  files.clear();
  for (int fd = 0; fd < sets.count; ++fd) {
    files.push_back(sets.wanted(fd) != 0 ? k.fds.file(fd) : nullptr);
    if (files.back() != nullptr) k.pin(*files.back());
  }
  Sleep sleep{&sets, &files};
  const int woken = k.wait(call, {}, deadline_ns, fault::PointId::ppoll_eintr, any_ready, &sleep);
  for (File* file : files) {
    if (file != nullptr) k.drop(*file);
  }
  return woken;
}

// How many members of the three sets stay; `found` keeps them.
int scan(State& k, const Sets& sets, std::array<fd_set, 3>& found) {
  int result = 0;
  for (fd_set& set : found) FD_ZERO(&set);
  for (int fd = 0; fd < sets.count; ++fd) {
    const std::uint32_t wanted = sets.wanted(fd);
    if (wanted == 0) continue;
    File* const file = k.fds.file(fd);
    const std::uint32_t mask = (file != nullptr ? file->readiness(true) : not_open) & wanted;
    for (std::size_t set = 0; set < found.size(); ++set) {
      if (!sets.has(set, fd) || (mask & stays[set]) == 0) continue;
      FD_SET(fd, &found[set]);
      ++result;
    }
    if (mask != 0 && file != nullptr) file->acquire_readiness(mask);
  }
  return result;
}

bool all_open(State& k, const Sets& sets) {
  for (int fd = 0; fd < sets.count; ++fd) {
    if (sets.wanted(fd) != 0 && k.file(fd) == nullptr) return false;
  }
  return true;
}

int wait_for_members(State& k, const Sets& sets, std::int64_t deadline_ns, bool waits,
                     std::array<fd_set, 3>& found, const char* call) {
  int result = scan(k, sets, found);
  while (result == 0) {
    if (k.signals.interrupts()) return -EINTR;  // Linux: before a timeout counts
    if (!waits) break;
    const int woken = sleep_until_ready(k, sets, deadline_ns, call);
    result = scan(k, sets, found);
    if (result == 0 && woken == -EINTR) return -EINTR;
    waits = woken != -ETIMEDOUT;
  }
  return result;
}

struct Timeout {
  std::int64_t ns;                // as asked for, < 0 for none
  std::int64_t deadline_ns = -1;  // once it runs
  std::int64_t left_ns = ns;
};

int select_once(State& k, Sets& sets, Timeout& timeout, const SignalSet* mask, const char* call,
                const void* pc) {
  k.enter(call, {}, pc);
  const auto done = [&](int result) {
    if (timeout.deadline_ns >= 0) {
      timeout.left_ns = std::max<std::int64_t>(timeout.deadline_ns - k.world.now_ns(), 0);
    }
    return k.leave(call, -1, result, pc, sets.count);
  };
  if (sets.count < 0) return done(-EINVAL);
  sets.count = std::min(sets.count, FdTable::limit);
  if (mask != nullptr) k.signals.set_blocked_for_call(*mask);
  for (fd_set* set : sets.at) {
    if (set != nullptr) k.world.memory.plain_read(k.thread(), set, sets.bytes(), pc);
  }
  if (!all_open(k, sets)) return done(-EBADF);
  if (timeout.deadline_ns < 0) timeout.deadline_ns = deadline_after(k.world.now_ns(), timeout.ns);
  std::array<fd_set, 3> found;
  const int result = wait_for_members(k, sets, timeout.deadline_ns, timeout.ns != 0, found, call);
  for (std::size_t i = 0; i < found.size() && result >= 0; ++i) {
    if (sets.at[i] == nullptr) continue;
    k.world.memory.plain_write(k.thread(), sets.at[i], sets.bytes(), pc);
    std::copy_n(reinterpret_cast<const char*>(&found[i]), sets.bytes(),
                reinterpret_cast<char*>(sets.at[i]));
  }
  return done(result);
}

}  // namespace

int Kernel::select(int count, fd_set* in, fd_set* out, fd_set* exceptional,
                   std::int64_t& timeout_ns, const SignalSet* mask, const char* call,
                   const void* pc) {
  State& k = *state_;
  Sets sets{count, {in, out, exceptional}};
  Timeout timeout{timeout_ns};
  const int result =
      k.signals.repeat(false, [&] { return select_once(k, sets, timeout, mask, call, pc); });
  timeout_ns = timeout.left_ns;
  return result;
}

}  // namespace aiosim::kernel
