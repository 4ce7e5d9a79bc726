#include "program.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "aiosim/verdict.h"

namespace properties {
namespace {

using aiosim::BadInput;

enum class Amount : std::uint8_t { none, count, signed_ns };

constexpr unsigned bit(Role role) { return 1u << static_cast<unsigned>(role); }
constexpr unsigned in_options = bit(Role::options);
constexpr unsigned in_callbacks =
    bit(Role::bh) | bit(Role::fd) | bit(Role::timer) | bit(Role::oneshot);
constexpr unsigned at_home = bit(Role::home) | in_callbacks;
constexpr unsigned anywhere = at_home | bit(Role::producer);

struct Syntax {
  Verb verb;
  std::string_view words;  // without index and amount
  int index_limit;         // 0: takes none
  Amount amount;
  std::int64_t most;  // of the amount
  bool handler;       // may be followed by "pollable" and "write"
  unsigned roles;
};

constexpr std::int64_t longest_ns = 1'000'000'000;

constexpr std::array<Syntax, static_cast<std::size_t>(Verb::count_)> syntax = {{
    {Verb::poll, "poll", 0, Amount::none, 0, false, at_home},
    {Verb::poll_blocking, "poll blocking", 0, Amount::none, 0, false, at_home},
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
    {Verb::arm, "arm timer", max_timers, Amount::signed_ns, longest_ns, false, anywhere},
    {Verb::disarm, "disarm timer", max_timers, Amount::none, 0, false, anywhere},
    {Verb::advance, "advance", 0, Amount::count, longest_ns, false, anywhere},
    {Verb::set_flag, "set flag", max_flags, Amount::none, 0, false, anywhere},
    {Verb::wait_flag, "wait flag", max_flags, Amount::none, 0, false, at_home},
    {Verb::poll_max_ns, "poll_max_ns", 0, Amount::count, longest_ns, false, in_options},
    {Verb::callback_calls, "callback_calls", 0, Amount::count, 8, false, in_options},
    {Verb::handler, "handler fd", max_fds, Amount::none, 0, true, in_options},
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
};
constexpr std::array<RoleName, static_cast<std::size_t>(Role::count_)> roles = {{
    {Role::options, "options", 0},
    {Role::home, "home", 0},
    {Role::producer, "producer", max_producers},
    {Role::bh, "bh", max_bhs},
    {Role::fd, "fd", max_fds},
    {Role::timer, "timer", max_timers},
    {Role::oneshot, "oneshot", max_oneshots},
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
  if (s.amount == Amount::count) out += " 0.." + std::to_string(s.most);
  if (s.amount == Amount::signed_ns) out += " +NS or -NS";
  if (s.handler) out += " [pollable] [write]";
  return out + "'";
}

bool take_amount(std::string_view& rest, const Syntax& s, std::int64_t& amount) {
  if (s.amount == Amount::none) return true;
  if (s.amount == Amount::count) return take_number(rest, 0, s.most, amount);
  const bool plus = rest.starts_with('+');
  if (plus) {
    rest.remove_prefix(1);
    return take_number(rest, 0, s.most, amount);
  }
  return take_number(rest, -s.most, -1, amount);
}

[[noreturn]] void bad_line(const std::string& part, std::size_t line, const std::string& expected,
                           const std::string& found) {
  throw BadInput("program: part '" + part + "' line " + std::to_string(line) + ": expected " +
                 expected + ", found '" + found + "'");
}

/// The syntax whose words `line` starts with, the longest if several do.
const Syntax* match(std::string_view line) {
  const Syntax* best = nullptr;
  for (const Syntax& s : syntax) {
    std::string_view rest = line;
    if (take(rest, s.words) && (best == nullptr || s.words.size() > best->words.size())) best = &s;
  }
  return best;
}

Op parse_op(const std::string& part, Role role, std::size_t line, const std::string& text) {
  const Syntax* s = match(text);
  if (s == nullptr) bad_line(part, line, "an operation", text);
  if ((s->roles & bit(role)) == 0) bad_line(part, line, "an operation allowed there", text);
  Op op{s->verb, 0, 0, false, false};
  std::string_view rest = text;
  take(rest, s->words);
  std::int64_t index = 0;
  bool good = s->index_limit == 0 || take_number(rest, 1, s->index_limit, index);
  op.index = static_cast<int>(index);
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

Part parse_part_name(const std::string& name) {
  for (const RoleName& role : roles) {
    std::string_view rest = name;
    if (!take(rest, role.word)) continue;
    std::int64_t number = 0;
    if (role.limit > 0 && !take_number(rest, 1, role.limit, number)) break;
    Part part{role.role, static_cast<int>(number), {}};
    if (!rest.empty() || properties::name(part) != name) break;
    return part;
  }
  throw BadInput(
      "program: expected a part 'options', 'home', 'producer 1..3', 'bh 1..5', "
      "'fd 1..4', 'timer 1..3' or 'oneshot 1..3', found '" +
      name + "'");
}

}  // namespace

const Part* Case::find(Role role, int number) const {
  for (const Part& part : parts) {
    if (part.role == role && part.number == number) return &part;
  }
  return nullptr;
}

Part& Case::get(Role role, int number) {
  for (Part& part : parts) {
    if (part.role == role && part.number == number) return part;
  }
  parts.push_back({role, number, {}});
  return parts.back();
}

std::int64_t Case::option(Verb verb, std::int64_t otherwise) const {
  if (const Part* options = find(Role::options)) {
    for (const Op& op : options->ops) {
      if (op.verb == verb) return op.amount;
    }
  }
  return otherwise;
}

int Case::producers() const {
  int highest = 0;
  for (const Part& part : parts) {
    if (part.role == Role::producer) highest = std::max(highest, part.number);
  }
  return highest;
}

int index_limit(Verb verb) { return syntax_of(verb).index_limit; }

bool allowed(Verb verb, Role role) { return (syntax_of(verb).roles & bit(role)) != 0; }

std::string text(const Op& op) {
  const Syntax& s = syntax_of(op.verb);
  std::string out(s.words);
  if (s.index_limit > 0) out += ' ' + std::to_string(op.index);
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

Case parse(const aiosim::Program& program) {
  Case out;
  for (const aiosim::Program::Part& part : program.parts) {
    Part typed = parse_part_name(part.name);
    if (out.find(typed.role, typed.number) != nullptr) {
      throw BadInput("program: expected each part once, found '" + part.name + "' again");
    }
    for (std::size_t i = 0; i < part.ops.size(); ++i) {
      typed.ops.push_back(parse_op(part.name, typed.role, i + 1, part.ops[i]));
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
