#include "generate.h"

#include <rapidcheck.h>

#include <algorithm>
#include <utility>

namespace properties {
namespace {

// ---- drawing ----

/// Draws from one rc::Random: a number a statement, so that compilers agree on the order.
class Drawer {
 public:
  Drawer(const Recipe& recipe, const rc::Random& random, int size)
      : recipe_(recipe), random_(random), size_(std::clamp(size, 1, 100)) {}

  Case draw() {
    draw_cast();
    Case out;
    draw_options(out);
    out.parts.push_back({Role::home, 0, draw_ops(home_, length(6))});
    for (int i = 1; i <= producers_; ++i) {
      out.parts.push_back({Role::producer, i, draw_ops(producer_, 1 + length(4))});
    }
    draw_callbacks(out, Role::bh, bhs_);
    draw_callbacks(out, Role::fd, fds_);
    draw_callbacks(out, Role::timer, timers_);
    draw_callbacks(out, Role::oneshot, oneshots_);
    return out;
  }

 private:
  using Weights = std::vector<Recipe::Weight>;

  int below(int n) {
    return static_cast<int>(random_.next() % static_cast<std::uint64_t>(std::max(n, 1)));
  }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }
  /// Up to `most`, less for small programs.
  int length(int most) { return below(1 + (most * (size_ + 20)) / 120 + (size_ > 50 ? 1 : 0)); }

  /// Who is in this program, and which operations are switched off in it.
  void draw_cast() {
    producers_ =
        recipe_.most_producers == 0
            ? 0
            : between(recipe_.least_producers, std::min(recipe_.most_producers, 1 + size_ / 30));
    bhs_ = recipe_.bhs == 0 ? 0 : between(1, recipe_.bhs);
    fds_ = recipe_.fds == 0 ? 0 : between(1, recipe_.fds);
    timers_ = recipe_.timers == 0 ? 0 : between(1, recipe_.timers);
    oneshots_ = recipe_.oneshots == 0 ? 0 : between(1, recipe_.oneshots);
    for (std::size_t verb = 0; verb < static_cast<std::size_t>(Verb::count_); ++verb) {
      off_[verb] = chance(20);
    }
    home_ = kept(recipe_.home);
    producer_ = kept(recipe_.producer);
    callback_ = kept(recipe_.callback);
  }

  Weights kept(const Weights& weights) {
    Weights out;
    for (const auto& weight : weights) {
      if (!off_[static_cast<std::size_t>(weight.verb)]) out.push_back(weight);
    }
    return out.empty() ? weights : out;
  }

  void draw_options(Case& out) {
    Part options{Role::options, 0, {}};
    const auto& choices = recipe_.poll_max_ns;
    const auto which = static_cast<std::size_t>(below(static_cast<int>(choices.size())));
    if (choices[which] != 0) options.ops.push_back({Verb::poll_max_ns, 0, choices[which]});
    if (chance(40)) options.ops.push_back({Verb::callback_calls, 0, between(1, 3)});
    // All handlers pollable, none, or as it comes: one that is not pollable ends busy polling.
    pollable_percent_ = recipe_.pollable ? std::array{0, 50, 100, 100}[below(4) & 3] : 0;
    for (int fd = 1; fd <= fds_; ++fd) {
      if (!chance(75)) continue;
      Op op{Verb::handler, fd};
      draw_handler(op);
      options.ops.push_back(op);
    }
    if (!options.ops.empty()) out.parts.push_back(std::move(options));
  }

  void draw_handler(Op& op) {
    op.pollable = chance(pollable_percent_);
    op.write = recipe_.write && chance(20);
  }

  void draw_callbacks(Case& out, Role role, int count) {
    for (int i = 1; i <= count; ++i) {
      const int ops = chance(40) ? 0 : 1 + length(2);
      if (ops == 0) continue;
      out.parts.push_back({role, i, draw_ops(callback_, ops, role, i)});
    }
  }

  std::vector<Op> draw_ops(const Weights& weights, int count, Role role = Role::home,
                           int number = 0) {
    std::vector<Op> out;
    int total = 0;
    for (const auto& weight : weights) total += weight.weight;
    for (int i = 0; i < count && total > 0; ++i) {
      int at = below(total);
      std::size_t which = 0;
      while (at >= weights[which].weight) at -= weights[which++].weight;
      Op op{weights[which].verb};
      if (op.verb == Verb::keep && role != Role::fd) continue;
      if (draw_arguments(op, role, number)) out.push_back(op);
    }
    return out;
  }

  /// False if the program has nothing for the operation to work on.
  bool draw_arguments(Op& op, Role role, int number) {
    Role what = Role::options;
    int count = -1;
    switch (op.verb) {
      case Verb::schedule:
      case Verb::schedule_idle:
      case Verb::cancel:
      case Verb::delete_bh:
        what = Role::bh;
        count = bhs_;
        break;
      case Verb::signal:
      case Verb::hang_up:
      case Verb::add_fd:
      case Verb::modify_fd:
      case Verb::remove_fd:
        what = Role::fd;
        count = fds_;
        break;
      case Verb::arm:
      case Verb::disarm:
        what = Role::timer;
        count = timers_;
        break;
      case Verb::oneshot:
        what = Role::oneshot;
        count = oneshots_;
        break;
      case Verb::set_flag:
      case Verb::wait_flag:
        count = max_flags;
        break;
      default:
        break;
    }
    if (count == 0) return false;
    if (count > 0) op.index = between(1, count);
    if (what == role && chance(40)) op.index = number;  // itself
    if (op.verb == Verb::add_fd || op.verb == Verb::modify_fd) draw_handler(op);
    if (op.verb == Verb::arm || op.verb == Verb::advance) op.amount = draw_delay();
    if (op.verb == Verb::arm && chance(15)) op.amount = -op.amount;
    return true;
  }

  std::int64_t draw_delay() {
    const auto& delays = recipe_.delays_ns;
    const std::int64_t delay =
        delays[static_cast<std::size_t>(below(static_cast<int>(delays.size())))];
    return chance(50)
               ? delay
               : 1 + static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(delay));
  }

  const Recipe& recipe_;
  rc::Random random_;
  int size_;
  int producers_ = 0, bhs_ = 0, fds_ = 0, timers_ = 0, oneshots_ = 0;
  int pollable_percent_ = 0;
  std::array<bool, static_cast<std::size_t>(Verb::count_)> off_{};
  Weights home_, producer_, callback_;
};

// ---- shrinking ----

/// Each part alone gone, from the last; home and options stay, if only empty.
rc::Seq<Case> without_a_part(const Case& program) {
  std::vector<Case> out;
  for (std::size_t i = program.parts.size(); i-- > 0;) {
    Case smaller = program;
    smaller.parts.erase(smaller.parts.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(std::move(smaller));
  }
  return rc::seq::fromContainer(std::move(out));
}

/// The operation with simpler arguments: smaller numbers, a plain handler, no blocking.
rc::Seq<Op> simpler(const Op& op) {
  std::vector<Op> out;
  const auto offer = [&](auto&& change) {
    Op smaller = op;
    change(smaller);
    if (!(smaller == op)) out.push_back(smaller);
  };
  offer([](Op& o) { o.write = false; });
  offer([](Op& o) { o.pollable = false; });
  if (op.verb == Verb::poll_blocking) offer([](Op& o) { o.verb = Verb::poll; });
  if (op.verb == Verb::schedule_idle) offer([](Op& o) { o.verb = Verb::schedule; });
  if (op.verb == Verb::modify_fd) offer([](Op& o) { o.verb = Verb::remove_fd; });
  if (op.index > 1) {
    offer([](Op& o) { o.index = 1; });
    offer([](Op& o) { --o.index; });
  }
  const std::int64_t least = op.verb == Verb::arm && op.amount < 0 ? -1 : 0;
  return rc::seq::concat(
      rc::seq::fromContainer(std::move(out)),
      rc::seq::map(rc::shrink::towards<std::int64_t>(op.amount, least), [op](std::int64_t amount) {
        Op smaller = op;
        smaller.amount = amount;
        return smaller;
      }));
}

/// One part's operations fewer or simpler.
rc::Seq<Case> with_a_smaller_part(const Case& program) {
  std::vector<std::size_t> parts(program.parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = i;
  return rc::seq::join(rc::seq::map(
      rc::seq::fromContainer(std::move(parts)), [program](std::size_t i) -> rc::Seq<Case> {
        const std::vector<Op>& ops = program.parts[i].ops;
        return rc::seq::map(
            rc::seq::concat(rc::shrink::removeChunks(ops), rc::shrink::eachElement(ops, simpler)),
            [program, i](std::vector<Op> fewer) {
              Case smaller = program;
              smaller.parts[i].ops = std::move(fewer);
              return smaller;
            });
      }));
}

rc::Seq<Case> shrinks(const Case& program) {
  return rc::seq::concat(without_a_part(program), with_a_smaller_part(program));
}

rc::Gen<Case> programs(const Recipe& recipe) {
  return [recipe](const rc::Random& random, int size) {
    return rc::shrinkable::shrinkRecur(Drawer(recipe, random, size).draw(), &shrinks);
  };
}

}  // namespace

Case generate(const Recipe& recipe, std::uint64_t seed, int size) {
  return programs(recipe)(rc::Random(seed), size).value();
}

void shrink(const Case& program, const std::function<bool(const Case&)>& keep) {
  rc::shrinkable::findLocalMin(rc::shrinkable::shrinkRecur(program, &shrinks), keep);
}

}  // namespace properties
