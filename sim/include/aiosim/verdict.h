// What a run came to.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aiosim {

enum class VerdictKind : std::uint8_t {
  pass,
  rule_broken,               // an oracle: Verdict::rule says which
  deadlock,                  // nobody can ever run again; a lost wakeup is one
  progress_only_by_timeout,  // a lost wakeup hidden by a rescue timer
  livelock,                  // the step budget ran out
  data_race,
  use_after_free,
  double_free,
  crash,  // SIGSEGV, abort, failed assertion, a call that is not simulated
  escaped_exception,
  not_deterministic,
  leak,              // allocated by code under test, never freed, out of reach
  invalid_free,      // of what malloc never gave
  out_of_bounds,     // of a block, into its red zone
  use_after_return,  // of a frame of a function that has returned
  count_
};

/// The phrase of reports and seed files ("data race").
std::string_view name(VerdictKind kind);
bool parse_verdict(std::string_view phrase, VerdictKind& kind);

struct Verdict {
  VerdictKind kind = VerdictKind::pass;
  std::string rule;  // "R13"; for a verdict of the runtime, the rule that the property names for it
  std::string text;  // one line or more for people: what happened, to whom

  bool passed() const { return kind == VerdictKind::pass; }
  /// Same failure: kind and rule agree. The minimiser keeps a candidate only then.
  bool same_failure(const Verdict& other) const {
    return kind == other.kind && rule == other.rule;
  }
};

/// Bad input (seed file, plan, flag, module): one line that says where and what was expected. The
/// command prints it and exits with status 2.
class BadInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace aiosim
