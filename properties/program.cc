#include "program.h"

#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "aiosim/verdict.h"

namespace properties {
namespace {

using aiosim::BadInput;

enum class Amount : std::uint8_t { none, count, signed_ns };

constexpr unsigned bit(Role role) { return 1u << static_cast<unsigned>(role); }
constexpr unsigned bit(Subject subject) { return 1u << static_cast<unsigned>(subject); }
constexpr unsigned of_loop = bit(Subject::loop);
constexpr unsigned of_pool = bit(Subject::thread_pool);
constexpr unsigned of_coroutines = bit(Subject::coroutines);
constexpr unsigned of_queue = bit(Subject::virtqueue);
constexpr unsigned of_threads = bit(Subject::loop_threads);
constexpr unsigned of_aio = bit(Subject::linux_aio);
constexpr unsigned of_requests = of_pool | of_aio;
constexpr unsigned of_all = of_loop | of_pool | of_coroutines | of_queue | of_threads | of_aio;
constexpr unsigned of_lock_count = bit(Subject::lock_count);

constexpr unsigned in_options = bit(Role::options);
constexpr unsigned in_callbacks =
    bit(Role::bh) | bit(Role::fd) | bit(Role::timer) | bit(Role::oneshot) | bit(Role::own);
constexpr unsigned at_home = bit(Role::home) | in_callbacks;
constexpr unsigned anywhere = at_home | bit(Role::producer);
constexpr unsigned at_pool = bit(Role::home) | bit(Role::done);
constexpr unsigned by_coroutine = bit(Role::coroutine);
constexpr unsigned by_guest = bit(Role::guest);
constexpr unsigned at_queue = bit(Role::home) | bit(Role::queue);
constexpr unsigned by_job = bit(Role::job);
constexpr unsigned polling = at_home | at_pool | by_coroutine | at_queue | by_job;
constexpr unsigned waking = bit(Role::home) | bit(Role::producer) | by_coroutine;
constexpr unsigned posting = bit(Role::home) | bit(Role::producer) | by_job;
constexpr unsigned visiting = bit(Role::home) | bit(Role::producer);
constexpr unsigned all_threads = anywhere | at_pool | bit(Role::work) | by_guest | by_job;

struct Syntax {
  Verb verb;
  std::string_view words;  // without index and amount
  int index_limit;         // 0: takes none
  Amount amount;
  std::int64_t most;  // of the amount
  bool handler;       // may be followed by "pollable" and "write"
  unsigned roles;
  unsigned subjects = of_loop;
  std::string_view joint = "";  // between index and amount
};

constexpr std::int64_t farthest_ns = std::numeric_limits<std::int64_t>::max();

constexpr std::array<Syntax, static_cast<std::size_t>(Verb::count_)> syntax = {{
    {Verb::poll, "poll", 0, Amount::none, 0, false, polling, of_all},
    {Verb::poll_blocking, "poll blocking", 0, Amount::none, 0, false, at_home | at_pool, of_all},
    {Verb::notify, "notify", 0, Amount::none, 0, false, anywhere},
    {Verb::schedule, "schedule bh", max_bhs, Amount::none, 0, false, anywhere},
    {Verb::schedule_idle, "schedule_idle bh", max_bhs, Amount::none, 0, false, anywhere},
    {Verb::oneshot, "oneshot", max_oneshots, Amount::none, 0, false, anywhere},
    {Verb::cancel, "cancel bh", max_bhs, Amount::none, 0, false, anywhere},
    {Verb::delete_bh, "delete bh", max_bhs, Amount::none, 0, false, anywhere},
    {Verb::signal, "signal fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::hang_up, "hang up fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::keep, "keep", 0, Amount::none, 0, false, bit(Role::fd)},
    {Verb::add_fd, "add fd", max_fds, Amount::none, 0, true, anywhere},
    {Verb::modify_fd, "modify fd", max_fds, Amount::none, 0, true, anywhere},
    {Verb::remove_fd, "remove fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::close_fd, "close fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::open_fd, "open fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::recycle_fd, "recycle fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::set_hooks, "set hooks fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::clear_hooks, "clear hooks fd", max_fds, Amount::none, 0, false, anywhere},
    {Verb::arm, "arm timer", max_timers, Amount::signed_ns, farthest_ns, false, anywhere},
    {Verb::disarm, "disarm timer", max_timers, Amount::none, 0, false, anywhere},
    {Verb::hold_timers, "hold timers", 0, Amount::none, 0, false, at_home},
    {Verb::release_timers, "release timers", 0, Amount::none, 0, false, anywhere},
    {Verb::advance, "advance", 0, Amount::count, longest_ns, false, all_threads,
     of_all & ~of_coroutines},
    {Verb::set_flag, "set flag", max_flags, Amount::none, 0, false, anywhere | by_job,
     of_loop | of_threads},
    {Verb::wait_flag, "wait flag", max_flags, Amount::none, 0, false, at_home | by_job,
     of_loop | of_threads},
    {Verb::meet, "meet", 0, Amount::none, 0, false, anywhere},
    {Verb::nop_request, "nop request", max_own, Amount::none, 0, false, anywhere},
    {Verb::timeout_request, "timeout request", max_own, Amount::count, longest_ns, false, anywhere},
    {Verb::watch_request, "watch request", max_own, Amount::none, 0, false, anywhere},
    {Verb::bad_request, "bad request", max_own, Amount::none, 0, false, anywhere},
    {Verb::again, "again", 0, Amount::none, 0, false, bit(Role::own)},
    {Verb::set_poll_max, "set_poll_max", 0, Amount::count, longest_ns, false, anywhere},
    {Verb::poll_max_of_wait, "set_poll_max to waits", 0, Amount::count, 3, false, at_home},
    {Verb::poll_max_ns, "poll_max_ns", 0, Amount::count, longest_ns, false, in_options, of_all},
    {Verb::poll_grow, "poll_grow", 0, Amount::count, 1'000, false, in_options},
    {Verb::poll_shrink, "poll_shrink", 0, Amount::count, 1'000, false, in_options},
    {Verb::callback_calls, "callback_calls", 0, Amount::count, 8, false, in_options, of_all},
    {Verb::first_fd, "first_fd", 0, Amount::count, 1'000, false, in_options},
    {Verb::handler, "handler fd", max_fds, Amount::none, 0, true, in_options},

    {Verb::submit, "submit request", max_requests, Amount::none, 0, false, at_pool,
     of_requests},
    {Verb::submit_many, "submit many request", max_requests, Amount::count, 40, false, at_pool,
     of_aio},
    {Verb::submit_bad, "submit bad request", max_requests, Amount::none, 0, false, at_pool,
     of_aio},
    {Verb::cancel_all, "cancel all requests", 0, Amount::none, 0, false, at_pool, of_aio},
    {Verb::cancel_request, "cancel request", max_requests, Amount::none, 0, false, at_pool,
     of_requests},
    {Verb::wait_request, "wait request", max_requests, Amount::none, 0, false, at_pool,
     of_requests},
    {Verb::renew_pool, "renew pool", 0, Amount::none, 0, false, bit(Role::home), of_pool},
    {Verb::max_pool_threads, "max_threads", 0, Amount::count, 4, false, in_options, of_pool},
    {Verb::idle_ms, "idle_ms", 0, Amount::count, 10'000, false, in_options, of_pool},

    {Verb::spawn, "spawn coroutine", max_coroutines, Amount::count, max_loop_threads, false, waking,
     of_coroutines, " in"},
    {Verb::schedule_coroutine, "schedule coroutine", max_coroutines, Amount::count,
     max_loop_threads, false, waking, of_coroutines, " in"},
    {Verb::enter_coroutine, "enter coroutine", max_coroutines, Amount::count, max_loop_threads,
     false, waking, of_coroutines, " in"},
    {Verb::yield, "yield", 0, Amount::none, 0, false, by_coroutine, of_coroutines},
    {Verb::move_to, "move to", 0, Amount::count, max_loop_threads, false, by_coroutine,
     of_coroutines},
    {Verb::loop_threads, "loop_threads", 0, Amount::count, max_loop_threads, false, in_options,
     of_coroutines | of_threads},

    {Verb::attach, "attach", 0, Amount::none, 0, false, at_queue, of_queue},
    {Verb::detach, "detach", 0, Amount::none, 0, false, at_queue, of_queue},
    {Verb::defer, "defer", 0, Amount::none, 0, false, bit(Role::queue), of_queue},
    {Verb::add_buffer, "add buffer", 0, Amount::none, 0, false, by_guest, of_queue},
    {Verb::kick, "kick", 0, Amount::none, 0, false, by_guest, of_queue},
    {Verb::wait_used, "wait used", 0, Amount::none, 0, false, by_guest, of_queue},
    {Verb::take_used, "take used", 0, Amount::none, 0, false, by_guest, of_queue},
    {Verb::suppress_calls, "suppress calls", 0, Amount::none, 0, false, by_guest, of_queue},
    {Verb::queue_bits, "queue_bits", 0, Amount::count, 3, false, in_options, of_queue},
    {Verb::without_polling, "without_polling", 0, Amount::none, 0, false, in_options, of_queue},

    {Verb::post, "post job", max_jobs, Amount::count, max_loop_threads, false, posting, of_threads,
     " to"},
    {Verb::start_loop, "start loop", max_loop_threads, Amount::none, 0, false, bit(Role::home),
     of_threads},
    {Verb::stop_loop, "stop loop", max_loop_threads, Amount::none, 0, false, bit(Role::home),
     of_threads},
    {Verb::loop_fds, "loop_fds", 0, Amount::none, 0, false, in_options, of_threads},

    {Verb::plug, "plug", 0, Amount::none, 0, false, at_pool, of_aio},
    {Verb::unplug, "unplug", 0, Amount::none, 0, false, at_pool, of_aio},
    {Verb::renew_engine, "renew engine", 0, Amount::none, 0, false, bit(Role::home), of_aio},
    {Verb::ring_requests, "ring_requests", 0, Amount::count, 64, false, in_options, of_aio},
    {Verb::by_call, "by_call", 0, Amount::none, 0, false, in_options, of_aio},
    {Verb::visit, "visit", 0, Amount::none, 0, false, visiting, of_lock_count},
    {Verb::visit_and_collect, "visit and collect", 0, Amount::none, 0, false, visiting,
     of_lock_count},
    {Verb::visit_and_lock, "visit and lock", 0, Amount::none, 0, false, visiting, of_lock_count},
    {Verb::visit_twice, "visit twice", 0, Amount::none, 0, false, visiting, of_lock_count},
    {Verb::replace, "replace", 0, Amount::none, 0, false, visiting, of_lock_count},
}};

constexpr bool in_verb_order() {
  for (std::size_t i = 0; i < syntax.size(); ++i) {
    if (syntax[i].verb != static_cast<Verb>(i)) return false;
  }
  return true;
}
static_assert(in_verb_order());

const Syntax& syntax_of(Verb verb) { return syntax[static_cast<std::size_t>(verb)]; }

struct RoleName {
  Role role;
  std::string_view word;
  int limit;  // 0: no number follows
  unsigned subjects = of_loop;
};
constexpr std::array<RoleName, static_cast<std::size_t>(Role::count_)> roles = {{
    {Role::options, "options", 0, of_all | of_lock_count},
    {Role::home, "home", 0, of_all | of_lock_count},
    {Role::producer, "producer", max_producers,
     of_loop | of_coroutines | of_threads | of_lock_count},
    {Role::bh, "bh", max_bhs},
    {Role::fd, "fd", max_fds},
    {Role::timer, "timer", max_timers},
    {Role::oneshot, "oneshot", max_oneshots},
    {Role::own, "request", max_own},
    {Role::work, "work", max_requests, of_pool},
    {Role::done, "done", max_requests, of_requests},
    {Role::coroutine, "coroutine", max_coroutines, of_coroutines},
    {Role::guest, "guest", 0, of_queue},
    {Role::queue, "queue", 0, of_queue},
    {Role::job, "job", max_jobs, of_threads},
}};

/// Takes `word` and the blank after it off `rest`.
bool take(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  if (rest.size() > word.size() && rest[word.size()] != ' ') return false;
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return true;
}

/// Takes a number as print() writes it (no zeros or plus in front) off `rest`.
bool take_number(std::string_view& rest, std::int64_t least, std::int64_t most,
                 std::int64_t& number) {
  const std::string_view word = rest.substr(0, rest.find(' '));
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return false;
  if (std::to_string(number) != word || number < least || number > most) return false;
  return take(rest, word);
}

std::string expectation(const Syntax& s) {
  std::string out = "'" + std::string(s.words);
  if (s.index_limit > 0) out += " 1.." + std::to_string(s.index_limit);
  out += s.joint;
  if (s.amount == Amount::count) out += " 0.." + std::to_string(s.most);
  if (s.amount == Amount::signed_ns) out += " +NS or -NS";
  if (s.handler) out += " [pollable] [write]";
  return out + "'";
}

bool take_amount(std::string_view& rest, const Syntax& s, std::int64_t& amount) {
  if (s.amount == Amount::none) return true;
  if (s.amount == Amount::count) return take_number(rest, 0, s.most, amount);
  if (!rest.starts_with('+')) return take_number(rest, -s.most, -1, amount);
  rest.remove_prefix(1);
  return take_number(rest, 0, s.most, amount);
}

[[noreturn]] void bad_line(const std::string& part, std::size_t line, const std::string& expected,
                           const std::string& found) {
  throw BadInput("program: part '" + part + "' line " + std::to_string(line) + ": expected " +
                 expected + ", found '" + found + "'");
}

/// The syntax whose words `line` starts with, the longest if several do.
const Syntax* match(std::string_view line, Subject subject) {
  const Syntax* best = nullptr;
  for (const Syntax& s : syntax) {
    if ((s.subjects & bit(subject)) == 0 || !line.starts_with(s.words.front())) continue;
    std::string_view rest = line;
    if (take(rest, s.words) && (best == nullptr || s.words.size() > best->words.size())) best = &s;
  }
  return best;
}

Op parse_op(const std::string& part, Role role, Subject subject, std::size_t line,
            const std::string& text) {
  const Syntax* s = match(text, subject);
  if (s == nullptr) bad_line(part, line, "an operation", text);
  if ((s->roles & bit(role)) == 0) bad_line(part, line, "an operation allowed there", text);
  Op op{s->verb, 0, 0, false, false};
  std::string_view rest = text;
  take(rest, s->words);
  std::int64_t index = 0;
  bool good = s->index_limit == 0 || take_number(rest, 1, s->index_limit, index);
  op.index = static_cast<int>(index);
  if (!s->joint.empty()) good = good && take(rest, s->joint.substr(1));
  good = good && take_amount(rest, *s, op.amount);
  if (good && s->handler) {
    op.pollable = take(rest, "pollable");
    op.write = take(rest, "write");
  }
  if (!good || !rest.empty() || properties::text(op) != text) {
    bad_line(part, line, expectation(*s), text);
  }
  return op;
}

[[noreturn]] void bad_part_name(const std::string& name, Subject subject) {
  std::string expected;
  for (const RoleName& role : roles) {
    if ((role.subjects & bit(subject)) == 0) continue;
    expected += (expected.empty() ? "'" : ", '") + std::string(role.word);
    if (role.limit > 0) expected += " 1.." + std::to_string(role.limit);
    expected += '\'';
  }
  throw BadInput("program: expected a part of " + expected + ", found '" + name + "'");
}

Part parse_part_name(const std::string& name, Subject subject) {
  for (const RoleName& role : roles) {
    if ((role.subjects & bit(subject)) == 0) continue;
    std::string_view rest = name;
    if (!take(rest, role.word)) continue;
    std::int64_t number = 0;
    if (role.limit > 0 && !take_number(rest, 1, role.limit, number)) continue;
    Part part{role.role, static_cast<int>(number), {}};
    if (rest.empty() && properties::name(part) == name) return part;
  }
  bad_part_name(name, subject);
}

}  // namespace

int index_limit(Verb verb) { return syntax_of(verb).index_limit; }

Role index_role(Verb verb) {
  switch (verb) {
    case Verb::schedule:
    case Verb::schedule_idle:
    case Verb::cancel:
    case Verb::delete_bh:
      return Role::bh;
    case Verb::signal:
    case Verb::hang_up:
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
    case Verb::close_fd:
    case Verb::open_fd:
    case Verb::recycle_fd:
    case Verb::set_hooks:
    case Verb::clear_hooks:
    case Verb::handler:
      return Role::fd;
    case Verb::arm:
    case Verb::disarm:
      return Role::timer;
    case Verb::oneshot:
      return Role::oneshot;
    case Verb::nop_request:
    case Verb::timeout_request:
    case Verb::watch_request:
    case Verb::bad_request:
      return Role::own;
    case Verb::submit:
    case Verb::submit_many:
    case Verb::submit_bad:
    case Verb::cancel_request:
    case Verb::wait_request:
      return Role::work;
    case Verb::spawn:
    case Verb::schedule_coroutine:
    case Verb::enter_coroutine:
      return Role::coroutine;
    case Verb::post:
      return Role::job;
    default:
      return Role::options;
  }
}

bool takes_amount(Verb verb) { return syntax_of(verb).amount != Amount::none; }

bool takes_loop(Verb verb) { return verb == Verb::move_to || !syntax_of(verb).joint.empty(); }

bool is_numbered(Role role) { return roles[static_cast<std::size_t>(role)].limit > 0; }

std::string text(const Op& op) {
  const Syntax& s = syntax_of(op.verb);
  std::string out(s.words);
  if (s.index_limit > 0) out += ' ' + std::to_string(op.index);
  out += s.joint;
  if (s.amount == Amount::count) out += ' ' + std::to_string(op.amount);
  if (s.amount == Amount::signed_ns) {
    out += op.amount < 0 ? " " : " +";
    out += std::to_string(op.amount);
  }
  if (op.pollable) out += " pollable";
  if (op.write) out += " write";
  return out;
}

std::string name(const Part& part) {
  const RoleName& role = roles[static_cast<std::size_t>(part.role)];
  std::string out(role.word);
  if (role.limit > 0) out += ' ' + std::to_string(part.number);
  return out;
}

Case parse(const aiosim::Program& program, Subject subject) {
  Case out;
  for (const aiosim::Program::Part& part : program.parts) {
    Part typed = parse_part_name(part.name, subject);
    if (out.find(typed.role, typed.number) != nullptr) {
      throw BadInput("program: expected each part once, found '" + part.name + "' again");
    }
    for (std::size_t i = 0; i < part.ops.size(); ++i) {
      typed.ops.push_back(parse_op(part.name, typed.role, subject, i + 1, part.ops[i]));
    }
    out.parts.push_back(std::move(typed));
  }
  return out;
}

aiosim::Program print(const Case& program) {
  aiosim::Program out;
  for (const Part& part : program.parts) {
    aiosim::Program::Part printed{name(part), {}};
    for (const Op& op : part.ops) printed.ops.push_back(text(op));
    out.parts.push_back(std::move(printed));
  }
  return out;
}

}  // namespace properties
