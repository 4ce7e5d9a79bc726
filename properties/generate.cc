#include "generate.h"

#include <rapidcheck.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "dice.h"

namespace properties {
namespace {

// ---- drawing ----

/// A program about the loop.
class Drawer : Dice {
 public:
  Drawer(const Recipe& recipe, const rc::Random& random, int size)
      : Dice(random, size), recipe_(recipe) {}

  Case draw() {
    draw_cast();
    Case out;
    draw_options(out);
    out.parts.push_back({Role::home, 0, draw_ops(home_, length(6))});
    for (int i = 1; i <= producers_; ++i) {
      out.parts.push_back({Role::producer, i, draw_ops(producer_, 1 + length(4))});
    }
    if (all_ != Verb::count_) do_all_at_once(out);
    draw_callbacks(out, Role::bh, bhs_);
    draw_callbacks(out, Role::fd, fds_);
    draw_callbacks(out, Role::timer, timers_);
    draw_callbacks(out, Role::oneshot, oneshots_);
    draw_callbacks(out, Role::own, own_);
    return out;
  }

 private:
  using Weights = std::vector<Recipe::Weight>;

  /// Who is in this program, and which operations are switched off in it.
  void draw_cast() {
    producers_ =
        recipe_.most_producers == 0
            ? 0
            : between(recipe_.least_producers, std::min(recipe_.most_producers, 1 + size() / 30));
    bhs_ = recipe_.bhs == 0 ? 0 : between(1, recipe_.bhs);
    fds_ = recipe_.fds == 0 ? 0 : between(1, recipe_.fds);
    timers_ = recipe_.timers == 0 ? 0 : between(1, recipe_.timers);
    oneshots_ = recipe_.oneshots == 0 ? 0 : between(1, recipe_.oneshots);
    own_ = recipe_.own == 0 ? 0 : between(1, recipe_.own);
    all_ = !recipe_.at_once.empty() && chance(10) ? recipe_.at_once[static_cast<std::size_t>(below(
                                                        static_cast<int>(recipe_.at_once.size())))]
                                                  : Verb::count_;
    for (std::size_t verb = 0; verb < static_cast<std::size_t>(Verb::count_); ++verb) {
      off_[verb] = chance(20);
    }
    home_ = kept(recipe_.home);
    producer_ = kept(recipe_.producer);
    callback_ = kept(recipe_.callback);
  }

  Weights kept(const Weights& weights) {
    Weights out;
    out.reserve(weights.size());
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
    if (recipe_.adaptive && chance(30)) options.ops.push_back({Verb::poll_grow, 0, between(1, 9)});
    if (recipe_.adaptive && chance(40))
      options.ops.push_back({Verb::poll_shrink, 0, between(1, 3)});
    if (chance(40)) options.ops.push_back({Verb::callback_calls, 0, between(1, 3)});
    if (fds_ > 0 && !reopens_fds() && chance(8)) {
      options.ops.push_back({Verb::first_fd, 0, std::array{70, 300, 300, 1'000}[below(4) & 3]});
    }
    // All handlers pollable, none, or as it comes: one that is not pollable ends busy polling.
    pollable_percent_ = recipe_.pollable ? std::array{0, 50, 100, 100}[below(4) & 3] : 0;
    const bool none = all_ == Verb::add_fd || all_ == Verb::timeout_request;
    for (int fd = 1; fd <= fds_ && !none; ++fd) {
      if (!chance(75)) continue;
      Op op{Verb::handler, fd};
      draw_handler(op);
      options.ops.push_back(op);
    }
    if (!options.ops.empty()) out.parts.push_back(std::move(options));
  }

  /// Home arms all timers; or a producer adds all handlers, of which there is none at first, or
  /// makes all fds readable.
  void do_all_at_once(Case& out) {
    if (all_ == Verb::timeout_request) return let_all_expire(out.get(Role::home).ops);
    if (all_ != Verb::arm && producers_ == 0) return;
    Part& part = all_ == Verb::arm ? out.get(Role::home) : out.get(Role::producer, 1);
    std::vector<Op> ops;
    for (int i = 1; i <= (all_ == Verb::arm ? timers_ : fds_); ++i) {
      Op op{all_, i};
      if (all_ == Verb::arm) op.amount = draw_delay();
      if (all_ == Verb::add_fd) draw_handler(op);
      ops.push_back(op);
    }
    const int at = all_ == Verb::signal ? between(0, static_cast<int>(part.ops.size())) : 0;
    part.ops.insert(part.ops.begin() + at, ops.begin(), ops.end());
  }

  /// Home has a loop without handlers submit all its timeouts, and does not poll until their time
  /// is over; nor does it block then.
  void let_all_expire(std::vector<Op>& home) {
    std::vector<Op> ops;
    std::int64_t last_ns = 0;
    for (int i = 1; i <= own_; ++i) {
      ops.push_back({Verb::timeout_request, i, draw_delay()});
      last_ns = std::max(last_ns, ops.back().amount);
    }
    ops.push_back({Verb::poll});
    ops.push_back({Verb::advance, 0, last_ns});
    ops.push_back({Verb::signal, 1});
    ops.push_back({Verb::poll});
    home.insert(home.begin(), ops.begin(), ops.end());
  }

  void draw_handler(Op& op) {
    op.pollable = chance(pollable_percent_);
    op.write = recipe_.write && chance(op.index == max_fds ? 50 : 20);
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
      if (op.verb == Verb::again && role != Role::own) continue;
      if (!draw_arguments(op, role, number)) continue;
      out.push_back(op);
      if (op.verb == Verb::recycle_fd && chance(50)) out.push_back(set_again(op.index));
    }
    return out;
  }

  Op set_again(int fd) {
    Op op{Verb::modify_fd, fd};
    draw_handler(op);
    return op;
  }

  /// False if the program has nothing for the operation to work on.
  bool draw_arguments(Op& op, Role role, int number) {
    const Role what = index_role(op.verb);
    const int count = what != Role::options ? count_of(what) : index_limit(op.verb);
    if (count == 0 && what != Role::options) return false;
    if (count > 0) op.index = between(1, count);
    if (what == role && chance(40)) op.index = number;  // itself
    if (op.verb == Verb::hang_up && fds_ == max_fds && chance(50))
      op.index = max_fds;  // most seldom
    if (op.verb == Verb::add_fd || op.verb == Verb::modify_fd) draw_handler(op);
    const bool delay = op.verb == Verb::arm || op.verb == Verb::advance;
    if (delay || op.verb == Verb::timeout_request) op.amount = draw_delay();
    if (op.verb == Verb::set_poll_max && !chance(20)) {
      op.amount = recipe_.poll_max_ns[static_cast<std::size_t>(
          below(static_cast<int>(recipe_.poll_max_ns.size())))];
    }
    if (op.verb == Verb::poll_max_of_wait) op.amount = between(1, 2);
    if (op.verb == Verb::arm && chance(15)) op.amount = -op.amount;
    if (op.verb == Verb::arm && recipe_.far_timers && chance(6)) op.amount = draw_far();
    return true;
  }

  /// A file that is opened again takes the lowest number there is.
  bool reopens_fds() const {
    return std::any_of(recipe_.home.begin(), recipe_.home.end(),
                       [](const auto& weight) { return weight.verb == Verb::close_fd; });
  }

  int count_of(Role role) const {
    return role == Role::bh      ? bhs_
           : role == Role::fd    ? fds_
           : role == Role::timer ? timers_
           : role == Role::own   ? own_
                                 : oneshots_;
  }

  std::int64_t draw_delay() {
    const auto& delays = recipe_.delays_ns;
    const std::int64_t delay =
        delays[static_cast<std::size_t>(below(static_cast<int>(delays.size())))];
    return chance(50) ? delay
                      : 1 + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(delay));
  }

  /// Cut to 32 bits the first, in ms, is negative, the second 2, and the third, in s, nothing but
  /// the 2 ms beside it.
  std::int64_t draw_far() {
    constexpr std::int64_t wrap = std::int64_t{1} << 32;
    return std::array{wrap / 4 * 3 * 1'000'000, (wrap + 2) * 1'000'000,
                      wrap * 1'000'000'000 + 2'000'000,
                      std::numeric_limits<std::int64_t>::max()}[below(4) & 3];
  }

  const Recipe& recipe_;
  int producers_ = 0, bhs_ = 0, fds_ = 0, timers_ = 0, oneshots_ = 0, own_ = 0;
  int pollable_percent_ = 0;
  Verb all_ = Verb::count_;  // what is done to all of them at one go
  std::array<bool, static_cast<std::size_t>(Verb::count_)> off_{};
  Weights home_, producer_, callback_;
};

/// A program about what stands on a loop: each part's operations, by the recipe's list of parts.
class PartsDrawer : Dice {
 public:
  PartsDrawer(const Recipe& recipe, const rc::Random& random, int size)
      : Dice(random, size), recipe_(recipe) {}

  Case draw() {
    for (const Recipe::Actors& actors : recipe_.actors) {
      const int most = std::min(actors.most, actors.least + size() / 25);
      counts_[static_cast<std::size_t>(actors.role)] = between(actors.least, most);
    }
    Case out;
    draw_options(out);
    for (const Recipe::Actors& actors : recipe_.actors) {
      const int count = counts_[static_cast<std::size_t>(actors.role)];
      for (int i = 1; i <= count; ++i) {
        out.parts.push_back({actors.role, is_numbered(actors.role) ? i : 0, draw_ops(actors)});
      }
    }
    return out;
  }

 private:
  void draw_options(Case& out) {
    Part options{Role::options, 0, {}};
    for (const Recipe::Option& option : recipe_.options) {
      const auto which = static_cast<std::size_t>(below(static_cast<int>(option.values.size())));
      const std::int64_t value = option.values[which];
      if (option.verb == Verb::loop_threads) loops_ = static_cast<int>(value);
      if (value == option.left_out) continue;
      options.ops.push_back({option.verb, 0, takes_amount(option.verb) ? value : 0});
    }
    if (!options.ops.empty()) out.parts.push_back(std::move(options));
  }

  /// An operation is switched off in some parts: that finds more than an even mix.
  std::vector<Op> draw_ops(const Recipe::Actors& actors) {
    std::vector<Recipe::Weight> weights;
    for (const Recipe::Weight& weight : actors.ops) {
      if (!chance(20)) weights.push_back(weight);
    }
    if (weights.empty()) weights = actors.ops;
    int total = 0;
    for (const Recipe::Weight& weight : weights) total += weight.weight;
    std::vector<Op> out;
    for (int i = length(actors.most_ops); i > 0 && total > 0; --i) {
      int at = below(total);
      std::size_t which = 0;
      while (at >= weights[which].weight) at -= weights[which++].weight;
      Op op{weights[which].verb};
      if (draw_arguments(op)) out.push_back(op);
    }
    return out;
  }

  /// False if the program has nothing for the operation to work on.
  bool draw_arguments(Op& op) {
    Role what = index_role(op.verb);
    // What the kernel works on has no work of the program's: as many as there are completions.
    if (what == Role::work && recipe_.subject == Subject::linux_aio) what = Role::done;
    int count = index_limit(op.verb);
    if (what != Role::options) count = counts_[static_cast<std::size_t>(what)];
    if (op.verb == Verb::start_loop || op.verb == Verb::stop_loop) count = loops_;
    if (count == 0) return index_limit(op.verb) == 0 && draw_amount(op);
    op.index = between(1, count);
    return draw_amount(op);
  }

  bool draw_amount(Op& op) {
    if (op.verb == Verb::advance) {
      const auto& delays = recipe_.delays_ns;
      op.amount = delays[static_cast<std::size_t>(below(static_cast<int>(delays.size())))];
    } else if (op.verb == Verb::submit_many) {
      op.amount = between(29, 34);  // about a batch
    } else if (takes_loop(op.verb)) {
      op.amount = between(0, loops_);
    }
    return true;
  }

  const Recipe& recipe_;
  std::array<int, static_cast<std::size_t>(Role::count_)> counts_{};
  int loops_ = 0;
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
  if (op.verb == Verb::timeout_request || op.verb == Verb::watch_request) {
    offer([](Op& o) {
      o.verb = Verb::nop_request;
      o.amount = 0;
    });
  }
  if (op.verb == Verb::recycle_fd) offer([](Op& o) { o.verb = Verb::close_fd; });
  if (op.verb == Verb::clear_hooks) offer([](Op& o) { o.verb = Verb::set_hooks; });
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

}  // namespace

Case generate(const Recipe& recipe, std::uint64_t seed, int size) {
  const rc::Random random(seed);
  return recipe.subject == Subject::loop ? Drawer(recipe, random, size).draw()
                                         : PartsDrawer(recipe, random, size).draw();
}

void shrink(const Case& program, const std::function<bool(const Case&)>& keep) {
  rc::shrinkable::findLocalMin(rc::shrinkable::shrinkRecur(program, &shrinks), keep);
}

}  // namespace properties
