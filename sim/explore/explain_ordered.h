// Random schedules that keep given orders of operations.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "explore/explain.h"
#include "explore/explain_events.h"
#include "explore/strategy.h"

namespace aiosim {

/// Refuses what would break an order. Order and reads-from are random within that; choices of other
/// kinds are those given.
class OrderedChooser final : public Chooser {
 public:
  OrderedChooser(const std::vector<ExplainedEvent>& events, std::vector<Choice> given,
                 Strategy& strategy);

  void set(const std::vector<Ordering>& orderings);

  void begin() override;
  std::uint32_t choose(const Question& question) override;
  Watch watches() const override { return Watch::transitions; }
  void finished(std::span<const Touch> touched, std::span<const std::uint32_t> waiting,
                std::span<const Touch> pending) override;

  /// The last run could not keep the orders: it says nothing of them.
  bool violated() const { return violated_; }

 private:
  enum class State : std::uint8_t { ahead, under_way, done };
  struct Store {
    ObjectId object = 0;
    std::uint32_t number = 0;  // among the writes of its object, from 1
  };

  std::uint32_t schedule(const Question& question);
  std::uint32_t reads_from(const Question& question);
  void end_transition();
  void start(std::size_t event, const Touch& touch);
  bool held_back(std::uint32_t thread);
  bool let_one_go(const Question& question);
  std::size_t event_of(std::uint32_t thread) const;
  std::pair<std::uint32_t, std::uint32_t> bounds() const;

  const std::vector<ExplainedEvent>& events_;
  std::map<std::pair<std::uint32_t, OperationNames::Name>, std::size_t> by_name_;  // looked up only
  Replayer given_;
  Strategy& strategy_;
  std::vector<Ordering> orderings_;

  OperationNames names_;
  std::vector<State> states_;         // by event
  std::vector<Store> stores_;         // by event
  std::vector<bool> may_read_older_;  // by ordering: the store need not wait for the load
  std::map<ObjectId, std::uint32_t> writes_;
  std::vector<std::uint32_t> threads_;
  std::vector<Touch> pending_;
  std::vector<std::uint32_t> answers_;
  std::size_t current_ = no_event;
  ObjectId current_object_ = 0;
  bool asked_reads_from_ = false;
  bool violated_ = false;
  std::uint64_t salt_ = 0;
};

}  // namespace aiosim
