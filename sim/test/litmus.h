// Litmus tests: tiny programs of which every execution is tried, every interleaving times every
// store that each load may read.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "memory/memory.h"

namespace aiosim::memory::litmus {

struct Fault {
  VerdictKind kind;
  std::string text;
};

/// Tries all answers, depth first: run, then next(), until next() says that all were tried.
class Exhaustive final : public ChoiceSource {
 public:
  std::uint32_t choose(Kind, std::uint32_t answers) override {
    ++asked;
    if (answers <= 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, answers});
    return path_[at_++].value;
  }
  [[noreturn]] void memory_fault(VerdictKind kind, std::string text) override {
    throw Fault{kind, text};
  }
  std::string describe_pc(const void* pc) override {
    return "pc" + std::to_string(reinterpret_cast<std::uintptr_t>(pc));
  }

  bool next() {
    while (!path_.empty() && path_.back().value + 1 == path_.back().answers) path_.pop_back();
    if (!path_.empty()) ++path_.back().value;
    at_ = 0;
    return !path_.empty();
  }

  std::uint64_t asked = 0;

 private:
  struct Step {
    std::uint32_t value, answers;
  };
  std::vector<Step> path_;
  std::size_t at_ = 0;
};

enum Place { x, y, z, data, place_count };
enum Mo { rlx = 0, acq = 2, rel = 3, ar = 4, sc = 5 };

struct Op {
  enum Type { load, store, add, cas, fence, read, write } type;
  Place place = x;
  unsigned value = 0;
  int order = 0;
  unsigned expected = 0;
  int only_if = -1;  // the thread's last load must have got this, else the thread ends
};

inline Op R(Place at, int order) { return {Op::load, at, 0, order}; }
inline Op W(Place at, unsigned value, int order) { return {Op::store, at, value, order}; }
inline Op Add(Place at, unsigned value, int order) { return {Op::add, at, value, order}; }
inline Op Cas(Place at, unsigned expected, unsigned value, int order) {
  return {Op::cas, at, value, order, expected};
}
inline Op F(int order) { return {Op::fence, x, 0, order}; }
inline Op Read(Place at) { return {Op::read, at}; }
inline Op Write(Place at, unsigned value) { return {Op::write, at, value}; }
inline Op If(int value, Op op) {
  op.only_if = value;
  return op;
}

using Program = std::vector<std::vector<Op>>;

/// One execution after the other.
class Litmus {
 public:
  explicit Litmus(Program program, MemoryMode mode = MemoryMode::weak)
      : program_(std::move(program)), mode_(mode), memory_(choices_) {}

  /// What the executions came to: the values read, in the order of the program's text; `finals`
  /// adds the values at the end; "race" stands for an execution with a data race.
  std::set<std::string> outcomes(std::vector<Place> finals = {}) {
    std::set<std::string> out;
    do {
      ++executions;
      try {
        run();
        std::string text;
        for (const auto& reads : reads_) text += reads;
        for (const Place at : finals) text += std::to_string(cells_[at].value);
        out.insert(text);
        behaviours.insert({text, memory_.behaviour()});
      } catch (const Fault& fault) {
        out.insert(fault.kind == VerdictKind::data_race ? "race" : fault.text);
        last_fault = fault.text;
      }
    } while (choices_.next());
    return out;
  }

  std::uint64_t executions = 0;
  std::set<std::pair<std::string, std::uint64_t>> behaviours;
  std::string last_fault;

 private:
  struct alignas(64) Cell {
    unsigned value;
  };

  void run() {
    memory_.reset(mode_);
    for (Cell& cell : cells_) {
      memory_.plain_write(0, &cell.value, sizeof cell.value, nullptr);
      cell.value = 0;
    }
    const auto count = static_cast<std::uint32_t>(program_.size());
    std::vector<std::size_t> at(count, 0);
    last_.assign(count, -1);
    reads_.assign(count, "");
    for (std::uint32_t i = 0; i < count; ++i) memory_.thread_created(0, i + 1);
    while (true) {
      std::vector<std::uint32_t> enabled;
      for (std::uint32_t i = 0; i < count; ++i) {
        if (at[i] < program_[i].size()) enabled.push_back(i);
      }
      if (enabled.empty()) break;
      const auto width = static_cast<std::uint32_t>(enabled.size());
      const std::uint32_t thread = enabled[choices_.choose(Kind::sched, width)];
      const Op& op = program_[thread][at[thread]++];
      if (op.only_if >= 0 && op.only_if != last_[thread]) {
        at[thread] = program_[thread].size();
        continue;
      }
      execute(thread, op);
    }
  }

  void execute(std::uint32_t index, const Op& op) {
    const std::uint32_t thread = index + 1;
    unsigned& at = cells_[op.place].value;
    const auto pc = reinterpret_cast<const void*>(std::uintptr_t{thread});
    const auto got = [&](Value value) {
      last_[index] = static_cast<int>(value);
      reads_[index] += std::to_string(last_[index]);
    };
    switch (op.type) {
      case Op::load:
        memory_.tick(thread);
        got(memory_.load(thread, &at, 4, op.order, pc).value);
        break;
      case Op::store:
        memory_.tick(thread);
        memory_.store(thread, &at, 4, op.value, op.order, pc);
        break;
      case Op::add:
        memory_.tick(thread);
        got(memory_.rmw(thread, &at, 4, Rmw::add, op.value, op.order, pc).value);
        break;
      case Op::cas:
        memory_.tick(thread);
        got(memory_
                .compare_exchange(thread, &at, 4, op.expected, op.value, op.order, rlx, false, pc)
                .value);
        break;
      case Op::fence:
        memory_.tick(thread);
        memory_.fence(thread, op.order);
        break;
      case Op::read:
        memory_.plain_read(thread, &at, 4, pc);
        got(at);
        break;
      case Op::write:
        memory_.plain_write(thread, &at, 4, pc);
        at = op.value;
        break;
    }
  }

  Program program_;
  MemoryMode mode_;
  Exhaustive choices_;
  Memory memory_;
  Cell cells_[place_count] = {};
  std::vector<int> last_;
  std::vector<std::string> reads_;
};

inline std::set<std::string> outcomes(Program program, std::vector<Place> finals = {},
                                      MemoryMode mode = MemoryMode::weak) {
  return Litmus(std::move(program), mode).outcomes(std::move(finals));
}

}  // namespace aiosim::memory::litmus
