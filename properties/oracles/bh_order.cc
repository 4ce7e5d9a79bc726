// R12 to R16 and D1: in which order bottom halves run, from a model of the incoming list and the
// slice queue that follows the home thread's observations.
//
// In a program without producers the model knows every bottom half. Otherwise it follows those that
// the home thread alone schedules and nobody cancels or deletes: what others push lies between
// them but does not move them.
#include <deque>
#include <vector>

#include "oracles/oracles.h"

namespace properties::oracles {
namespace {

/// A bottom half (number) or a one-shot (number 0, with its instance).
struct Id {
  int bh = 0;
  std::int64_t instance = -1;
  bool operator==(const Id&) const = default;
};

class Model {
 public:
  Model(const Facts& facts) : lifo_(facts.offered(offers_slice_order_lifo)) {
    const bool alone = facts.program.producers() == 0;
    for (auto& tracked : tracked_) tracked = true;
    for (const Part& part : facts.program.parts) {
      for (const Op& op : part.ops) {
        const bool bh = op.verb == Verb::schedule || op.verb == Verb::schedule_idle ||
                        op.verb == Verb::cancel || op.verb == Verb::delete_bh;
        if (!bh || alone) continue;
        if (part.role == Role::producer || op.verb == Verb::cancel || op.verb == Verb::delete_bh) {
          tracked_[static_cast<std::size_t>(op.index)] = false;
        }
      }
    }
  }

  void operation(const Observation& op) {
    const auto bh = static_cast<std::size_t>(op.index);
    switch (op.verb) {
      case Verb::schedule:
      case Verb::schedule_idle:
        if (!tracked_[bh]) return;
        wanted_[bh] = true;
        enqueue(op.index);
        break;
      case Verb::cancel:
        wanted_[bh] = false;
        break;
      case Verb::delete_bh:
        deleted_[bh] = true;
        if (tracked_[bh]) enqueue(op.index);
        break;
      case Verb::oneshot:
        incoming_.push_back({0, op.a});
        break;
      default:
        break;
    }
  }

  /// Bottom halves come before fds and timers (R46): what is left uncalled has been popped.
  void others_begin() { skip_to_callable(); }

  void called_something() { ++calls_; }

  void poll_begins() {
    calls_before_.push_back(calls_);
    slices_.push_back(std::move(incoming_));
    incoming_.clear();
  }

  Finding call(const Observation& call) {
    const Id called = call.source == Source::bh ? Id{call.index, -1} : Id{0, call.a};
    if (called.bh > 0 && !tracked_[static_cast<std::size_t>(called.bh)]) return std::nullopt;
    if (called.bh == 0 && !known_instance(called)) return std::nullopt;
    const std::size_t slice = skip_to_callable();
    const std::string who = describe(call.source, call.index) + " was called " + at(call.time_ns);
    if (slice == slices_.size()) {
      return broken("R15", who + ", but it was scheduled after this poll had taken its slice");
    }
    const Id expected = next();
    if (expected == called) {
      pop();
      return std::nullopt;
    }
    const bool same_slice = contains(slices_.front(), called);
    const std::string instead = ", but it is " + name(expected) + "'s turn: ";
    if (same_slice) {
      return broken("R13", who + instead +
                               (lifo_ ? "the newest of a slice runs first"
                                      : "the oldest of a slice runs first"));
    }
    if (contains(incoming_, called)) {
      return broken("R15", who + instead + "it was scheduled after this poll had taken its slice");
    }
    return broken("R14", who + instead + "the oldest slice runs first");
  }

  Finding poll_ends(const Observation& poll, bool nested) {
    if (calls_ == calls_before_.back()) lose_track_of_cancelled();
    calls_before_.pop_back();
    const std::size_t slice = skip_to_callable();
    if (slice == slices_.size()) {
      slices_.clear();
      return std::nullopt;
    }
    return broken(nested ? "R16" : "R12", std::string("a ") + (nested ? "nested " : "") +
                                              "poll returned " + at(poll.time_ns) +
                                              " without having called " + name(next()));
  }

 private:
  using Slice = std::vector<Id>;

  static std::string name(const Id& id) {
    return id.bh > 0 ? "bh " + std::to_string(id.bh) : std::string("a one-shot");
  }

  static bool contains(const Slice& slice, const Id& id) {
    for (const Id& other : slice) {
      if (other == id) return true;
    }
    return false;
  }

  bool known_instance(const Id& id) const {
    if (contains(incoming_, id)) return true;
    for (const Slice& slice : slices_) {
      if (contains(slice, id)) return true;
    }
    return false;
  }

  void enqueue(int number) {
    const auto bh = static_cast<std::size_t>(number);
    if (pending_[bh]) return;
    pending_[bh] = true;
    incoming_.push_back({number, -1});
  }

  /// A foreign loop need not dispatch, and pop them, when nobody is to be called (R30).
  void lose_track_of_cancelled() {
    for (const Slice& slice : slices_) {
      for (const Id& id : slice) {
        if (!callable(id)) tracked_[static_cast<std::size_t>(id.bh)] = false;
      }
    }
  }

  bool callable(const Id& id) const {
    const auto bh = static_cast<std::size_t>(id.bh);
    return bh == 0 || (wanted_[bh] && !deleted_[bh]);
  }

  Id next() const { return lifo_ ? slices_.front().back() : slices_.front().front(); }

  void pop() {
    const Id id = next();
    Slice& slice = slices_.front();
    slice.erase(lifo_ ? slice.end() - 1 : slice.begin());
    if (id.bh > 0) {
      pending_[static_cast<std::size_t>(id.bh)] = false;
      wanted_[static_cast<std::size_t>(id.bh)] = false;
    }
  }

  /// Pops what is not called, up to the next that is. Returns the number of slices if there is
  /// none.
  std::size_t skip_to_callable() {
    while (!slices_.empty()) {
      if (slices_.front().empty()) {
        slices_.pop_front();
        continue;
      }
      if (callable(next())) return 0;
      pop();
    }
    return slices_.size();
  }

  bool lifo_;
  std::array<bool, max_bhs + 1> tracked_{};
  std::array<bool, max_bhs + 1> pending_{};
  std::array<bool, max_bhs + 1> wanted_{};
  std::array<bool, max_bhs + 1> deleted_{};
  Slice incoming_;
  std::deque<Slice> slices_;
  int calls_ = 0;
  std::vector<int> calls_before_;  // each poll under way
};

bool comes_after_bottom_halves(Source source) {
  return source == Source::fd_read || source == Source::fd_write || source == Source::fd_ready ||
         source == Source::timer;
}

}  // namespace

Finding bh_order(const Timeline& timeline, const Facts& facts) {
  Model model(facts);
  int depth = 0;
  for (const Observation& seen : timeline.seen) {
    if (seen.thread != 0) continue;
    Finding finding;
    switch (seen.what) {
      case What::op_begin:
        if (seen.verb == Verb::wait_flag) return std::nullopt;  // polls that are not seen
        model.operation(seen);
        break;
      case What::poll_begin:
        ++depth;
        model.poll_begins();
        break;
      case What::call_begin:
        model.called_something();
        if (seen.source == Source::bh || seen.source == Source::oneshot) finding = model.call(seen);
        if (comes_after_bottom_halves(seen.source)) model.others_begin();
        break;
      case What::poll_end:
        finding = model.poll_ends(seen, --depth > 0);
        break;
      default:
        break;
    }
    if (finding) return finding;
  }
  return std::nullopt;
}

}  // namespace properties::oracles
