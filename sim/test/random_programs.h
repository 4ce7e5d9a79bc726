// Random programs of a few operations for the reduction to be compared on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/choice.h"

namespace aiosim {

inline constexpr int relaxed = 0, acquire = 2, release = 3, acq_rel = 4, seq_cst = 5;

struct Op {
  enum Type {
    load,
    store,
    add,
    exchange,
    strong,
    weak,
    until_added,  // a loop around a weak compare-exchange
    count_tries,  // the same, but not too often, and how often is an outcome
    fence,
    plain_read,
    plain_write,
    lock,
    try_lock,
    unlock,
    wait,
    signal,
    broadcast,
    write_fd,
    read_fd,
    add_fd,
    wait_fd,
    yield,
    if_read,  // the thread ends if the last value that it read is 0
    count_
  } type = load;
  std::size_t at = 0;
  std::uint32_t value = 0;
  int order = relaxed;

  std::string text() const {
    static constexpr const char* words[] = {
        "load",        "store",       "add",     "exchange", "strong",    "weak",
        "until_added", "count_tries", "fence",   "read",     "write",     "lock",
        "try_lock",    "unlock",      "wait",    "signal",   "broadcast", "write_fd",
        "read_fd",     "add_fd",      "wait_fd", "yield",    "if_read"};
    return std::string(words[type]) + ' ' + "xyzd"[at] + ' ' + std::to_string(value) + " mo" +
           std::to_string(order);
  }
};
using Threads = std::vector<std::vector<Op>>;

inline std::string text_of(const Threads& threads) {
  std::string out;
  for (const auto& ops : threads) {
    out += "| ";
    for (const Op& op : ops) out += op.text() + "; ";
  }
  return out;
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(mix64(seed)) {}

  /// Swarm: each program has a few of the operations and locations only.
  Threads program() {
    for (std::size_t i = 0; i < Op::count_; ++i) on_[i] = random_.below(3) == 0;
    on_[Op::load] = on_[Op::store] = random_.below(4) != 0;
    on_[random_.below(4)] = true;
    if (random_.below(4) == 0) on_[Op::write_fd] = on_[Op::wait_fd] = true;
    places_ = 1 + random_.below(3);
    strength_ = random_.below(4);
    const bool three = random_.below(2) == 0;
    Threads threads(three ? 3 : 2);
    const std::uint32_t most = three ? 2 + random_.below(2) : 4;
    for (auto& ops : threads) ops = thread(1 + random_.below(most));
    return threads;
  }

 private:
  std::vector<Op> thread(std::uint32_t length) {
    std::vector<Op> ops;
    bool held = false;
    while (ops.size() < length) {
      const auto type = static_cast<Op::Type>(random_.below(Op::count_));
      if (!on_[type]) continue;
      if (type == Op::lock && held) continue;
      if ((type == Op::unlock || type == Op::wait) && !held) {
        if (length - ops.size() < 2) break;
        ops.push_back(make(Op::lock));
        held = true;
      }
      held = type == Op::lock || (held && type != Op::unlock);
      ops.push_back(make(type));
    }
    if (held && random_.below(4) != 0) ops.push_back(make(Op::unlock));
    return ops;
  }

  Op make(Op::Type type) {
    Op op{type, random_.below(places_), 1 + random_.below(2), relaxed};
    op.order = order_for(type);
    return op;
  }

  int order_for(Op::Type type) {
    static constexpr int loads[] = {relaxed, acquire, seq_cst};
    static constexpr int stores[] = {relaxed, release, seq_cst};
    static constexpr int both[] = {relaxed, acquire, release, acq_rel, seq_cst};
    if (type == Op::fence) return both[1 + random_.below(4)];
    if (strength_ == 0) return relaxed;
    if (strength_ == 1) return seq_cst;
    if (type == Op::load) return loads[random_.below(3)];
    if (type == Op::store) return stores[random_.below(3)];
    return both[random_.below(5)];
  }

  Random random_;
  std::array<bool, Op::count_> on_{};
  std::uint32_t places_ = 1;
  std::uint32_t strength_ = 0;
};

}  // namespace aiosim
