// A program about a lock count (R73, R74): threads that visit what it guards, and replace it.
#include "oracles/finding.h"
#include "parts/loops.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using Leave = Guarded::Leave;

class LockCountRun final : public PartsRun {
 public:
  using PartsRun::PartsRun;

  oracles::Finding judge() const override {
    if (strange_ != 0) {
      return oracles::broken("R73", "a visitor saw " + std::to_string(strange_.load()) +
                                        ", which nobody had put there");
    }
    if (visits_ != 0) {
      return oracles::broken("S14.7", std::to_string(visits_) + " visits are left in the end");
    }
    if (replaced_ == replacements_) return std::nullopt;
    return oracles::broken("R73", std::to_string(replacements_) + " replacements, but " +
                                      std::to_string(replaced_) + " were counted");
  }

 private:
  static constexpr std::uint64_t first = 1'000;  // then up by one each time

  void reset() override {
    guarded_ = nullptr;
    strange_ = 0;
    replacements_ = 0;
    replaced_ = visits_ = 0;
  }

  void body() override {
    guarded_ = made([&] { return parts_.make_guarded(first); });
    producers_.start(program_.producers(), [this](int number) {
      run_part(Role::producer, number, number);
      producers_.finished(number);
    });
    run_part(Role::home);
    producers_.join();
    const UnderTestScope scope;
    replaced_ = guarded_->replaced();
    visits_ = guarded_->visits();
    delete guarded_;
  }

  void run_op(const Op& op, int /*by*/) override {
    switch (op.verb) {
      case Verb::visit:
        return visit(Leave::plainly, false);
      case Verb::visit_and_collect:
        return visit(Leave::if_alone, false);
      case Verb::visit_and_lock:
        return visit(Leave::in_any_case, false);
      case Verb::visit_twice:
        return visit(Leave::if_alone, true);
      case Verb::replace:
        return replace();
      default:
        return;
    }
  }

  void visit(Leave how, bool nested) {
    aiosim::note("visit");
    {
      const UnderTestScope scope;
      guarded_->enter();
    }
    look();
    if (nested) visit(Leave::if_alone, false);
    look();
    const UnderTestScope scope;
    guarded_->leave(how);
  }

  void look() {
    std::uint64_t value = 0;
    {
      const UnderTestScope scope;
      value = guarded_->look();
    }
    if (value < first || value > first + replacements_) strange_ = value;
  }

  void replace() {
    aiosim::note("replace");
    const std::uint64_t value = first + ++replacements_;
    const UnderTestScope scope;
    guarded_->replace(value);
  }

  Guarded* guarded_ = nullptr;
  Producers producers_;
  std::atomic<std::uint64_t> strange_{0};
  std::atomic<std::uint64_t> replacements_{0};  // begun
  std::uint64_t replaced_ = 0;
  std::uint32_t visits_ = 0;
};

}  // namespace

std::unique_ptr<PartsRun> make_lock_count_run(const Case& program, const BackendModule& module) {
  return std::make_unique<LockCountRun>(program, module);
}

}  // namespace properties
