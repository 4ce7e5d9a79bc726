// Dynamic partial order reduction: of executions that differ in the order of independent
// transitions only, one is enough.
//
// A transition is what a thread does from one scheduling question to its next: one operation and
// the harness's work behind it. Two are dependent if they touch one object and one of them writes
// (World::touch); then their order matters, and if nothing else fixes it (a race), the other order
// is had too: the thread, or what must run before it, is put on the list of the node where the
// first of the two was chosen. A load that read an older store commutes with the stores that it did
// not read: store-load has all that load-store has, for the load may still read what was there
// before; so the load is to be tried after the store, and not the other way round. Choices of other
// kinds are branches inside a transition, all of them
// below it. A thread whose branches were all had at a node sleeps in the rest of that node's
// subtrees until something that depends on them runs; where all threads sleep, the run is cut.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/run.h"
#include "explore/exhaustive_spurious.h"

namespace aiosim {

/// Source: Flanagan and Godefroid, POPL 2005; source sets: Abdulla et al., POPL 2014.
class ReducedChooser final : public Chooser {
 public:
  void begin() override;
  std::uint32_t choose(const Question& question) override;
  Watch watches() const override { return Watch::transitions; }
  void finished(std::span<const Touch> touched, std::span<const std::uint32_t> waiting,
                std::span<const Touch> pending) override;

  /// Prepares the next run; false if every execution was had. `last` is what the last run came to.
  bool next(const RunResult& last);
  /// The last run asked other questions than the one before it under the same choices.
  bool went_astray() const { return astray_; }
  bool limited() const { return spurious_.limited(); }

 private:
  static constexpr std::size_t max_threads = 32;
  using Threads = std::uint32_t;  // a set, by bit
  static constexpr std::uint32_t nobody = ~0u;
  static Threads bit(std::uint32_t thread) { return Threads{1} << thread; }

  /// What transitions touch.
  struct Footprint {
    std::vector<Touch> touches;
    std::uint64_t marks = 0;  // a bit for each object: those of two that share none are disjoint
    bool everything = false;  // it ends the run: nobody goes on after it
    ObjectId loads = 0;       // the atomic that it loads, if it may read an older store
    bool empty = true;

    void clear() {
      touches.clear();
      marks = 0;
      everything = false;
      loads = 0;
      empty = true;
    }
    static std::uint64_t mark(ObjectId object) {
      return std::uint64_t{1} << ((object * 0x9e37'79b9'7f4a'7c15) >> 58);
    }
    bool stores(ObjectId object) const;
    void add(const Touch& touch);
    void add(const Footprint& other);
    bool may_depend_on(const Footprint& other) const {
      return (marks & other.marks) != 0 || everything || other.everything;
    }
    /// `apart`: an object that does not count.
    bool depends_on(const Footprint& other, ObjectId apart = 0) const;
    /// It needs the start or the end of a thread that `first` is.
    bool awaits(const Footprint& first) const;
  };
  struct Sleeper {
    std::uint32_t thread = 0;
    Footprint branches;      // what its transition touches, on any branch
    std::uint32_t news = 0;  // stores to what it loads since it fell asleep: not yet read
  };
  struct Branch {
    ChoiceKey key;
    std::uint32_t answers = 0;
    std::uint32_t tried = 0;  // the first ones
    std::uint32_t value = 0;
  };
  /// A scheduling question and the transition that was chosen there.
  struct Node {
    std::uint32_t asker = 0;
    std::vector<std::uint32_t> candidates;
    Threads enabled = 0;
    Threads backtrack = 0;  // to be had here, or had
    Threads asleep = 0;     // the threads of `sleepers`
    std::vector<Sleeper> sleepers;
    std::size_t sleeper_count = 0;

    std::uint32_t thread = 0;  // chosen
    std::vector<Branch> branches;
    std::size_t branch = 0;  // of this run, so far
    Footprint touched;       // on this branch
    Footprint branches_touched;
    std::uint32_t news = 0;      // not 0: only so many of the newest stores are still to be read
    std::uint32_t age = 0;       // of the store that was loaded: so many are newer
    std::uint32_t readable = 1;  // stores
    bool barrier = false;        // time jumped: all before happens before all after
    /// By thread: 1 + the number of its last event that happens before this one, or is it.
    std::array<std::uint32_t, max_threads> clock{};
  };
  using Clock = decltype(Node::clock);

  Node& push();
  bool fall_asleep(Node& node);
  static bool sleeps_on(Sleeper& sleeper, const Footprint& branches, const Node& last);
  static void run_here(Node& node, std::uint32_t thread);
  std::uint32_t enter_node(const Question& question);
  std::uint32_t choose_branch(const Question& question);
  void complete(std::span<const Touch> touched, bool barrier);
  static void read_touches(Node& node, std::span<const Touch> touched);
  void order(std::uint32_t event);
  static bool orders(const Node& first, const Node& second, std::uint32_t& newer, bool& races);
  void reverse(std::uint32_t first, std::uint32_t second);
  void want(Node& node, Threads initials, std::uint32_t preferred);
  void end_of_run();
  static void put_to_sleep(Node& node);

  std::vector<Node> nodes_;  // kept for their memory; the first depth_ are in use
  std::size_t depth_ = 0;
  std::size_t at_ = 0;     // of this run: nodes passed
  std::size_t fresh_ = 0;  // events from this one on are new in this run
  bool cut_ = false;
  bool astray_ = false;
  SpuriousFailures spurious_;
};

}  // namespace aiosim
