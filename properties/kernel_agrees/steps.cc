#include "kernel_agrees/steps.h"

#include <sys/epoll.h>

#include <array>
#include <charconv>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace kernel_agrees {
namespace {

constexpr std::array<Fields, call_count> table = {{
    {"eventfd", nullptr, nullptr, "initial", "flags"},
    {"pipe2", nullptr, nullptr, nullptr, "flags"},
    {"epoll_create1", nullptr, nullptr, nullptr, "flags"},
    {"timerfd_create", nullptr, nullptr, "clock", "flags"},
    {"timerfd_settime", "fd", nullptr, "when", "period"},
    {"timerfd_gettime", "fd", nullptr, nullptr, nullptr},
    {"read", "fd", nullptr, "size", nullptr},
    {"write", "fd", nullptr, "size", "value"},
    {"readv", "fd", nullptr, "size", nullptr},
    {"writev", "fd", nullptr, "size", "value"},
    {"close", "fd", nullptr, nullptr, nullptr},
    {"dup", "fd", nullptr, nullptr, nullptr},
    {"dup2", "fd", "to", nullptr, nullptr},
    {"dup3", "fd", "to", nullptr, "flags"},
    {"F_DUPFD", "fd", "from", nullptr, "flags"},
    {"F_SETFL", "fd", nullptr, nullptr, "flags"},
    {"F_GETFL", "fd", nullptr, nullptr, nullptr},
    {"F_SETFD", "fd", nullptr, nullptr, "flags"},
    {"F_GETFD", "fd", nullptr, nullptr, nullptr},
    {"F_GETPIPE_SZ", "fd", nullptr, nullptr, nullptr},
    {"F_SETPIPE_SZ", "fd", nullptr, "size", nullptr},
    {"FIONBIO", "fd", nullptr, nullptr, "flags"},
    {"FIONREAD", "fd", nullptr, nullptr, nullptr},
    {"epoll_ctl", "epfd", "fd", "events", "op"},
    {"epoll_wait", "epfd", nullptr, "max", nullptr},
    {"poll", nullptr, nullptr, "events", "fds"},
    {"socketpair", nullptr, nullptr, nullptr, "flags"},
    {"socket", nullptr, nullptr, "family", "flags"},
    {"bind", "fd", "like", "to", nullptr},
    {"listen", "fd", nullptr, "backlog", nullptr},
    {"connect", "fd", "to", nullptr, nullptr},
    {"accept", "fd", nullptr, nullptr, "flags"},
    {"send", "fd", nullptr, "size", "flags"},
    {"recv", "fd", nullptr, "size", "flags"},
    {"sendmsg", "fd", nullptr, "size", "flags"},
    {"recvmsg", "fd", nullptr, "size", "flags"},
    {"shutdown", "fd", nullptr, "how", nullptr},
    {"getsockname", "fd", nullptr, "room", nullptr},
    {"getpeername", "fd", nullptr, "room", nullptr},
    {"getsockopt", "fd", nullptr, "option", nullptr},
    {"setsockopt", "fd", nullptr, "option", "value"},
}};

struct Word {
  const char* text;
  std::uint64_t bits;
};
constexpr Word flag_words[] = {
    {"nonblock", nonblock}, {"cloexec", close_on_exec}, {"special", special}};
constexpr Word event_words[] = {
    {"in", EPOLLIN},         {"pri", EPOLLPRI},       {"out", EPOLLOUT},
    {"err", EPOLLERR},       {"hup", EPOLLHUP},       {"rdnorm", EPOLLRDNORM},
    {"wrnorm", EPOLLWRNORM}, {"rdhup", EPOLLRDHUP},   {"exclusive", EPOLLEXCLUSIVE},
    {"oneshot", EPOLLONESHOT}, {"et", EPOLLET}};
constexpr Word operation_words[] = {{"add", 1}, {"del", 2}, {"mod", 3}, {"bad", 7}};
constexpr Word family_words[] = {{"unix", 0}, {"inet", 1}};

std::span<const Word> words(std::string_view field) {
  if (field == "flags") return flag_words;
  if (field == "events") return event_words;
  if (field == "op") return operation_words;
  if (field == "family") return family_words;
  return {};
}

bool is_set(std::string_view field) { return field == "flags" || field == "events"; }

std::string value_text(std::string_view field, std::uint64_t value) {
  const auto known = words(field);
  if (known.empty()) return std::to_string(value);
  std::string text;
  for (const Word& word : known) {
    const bool has = is_set(field) ? (value & word.bits) != 0 : value == word.bits;
    if (has) text += (text.empty() ? "" : "|") + std::string(word.text);
  }
  return text;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool parse_value(std::string_view field, std::string_view text, std::uint64_t& value) {
  const auto known = words(field);
  if (known.empty()) return parse_number(text, value);
  value = 0;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('|'));
    bool found = false;
    for (const Word& word : known) {
      if (part != word.text) continue;
      value |= word.bits;
      found = true;
    }
    if (!found) return false;
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return true;
}

bool set_field(Step& step, std::string_view key, std::string_view text) {
  const Fields& has = fields(step.call);
  std::uint64_t value = 0;
  if (has.fd != nullptr && key == has.fd) return parse_number(text, step.fd);
  if (has.other != nullptr && key == has.other) return parse_number(text, step.other);
  if (!parse_value(key, text, value)) return false;
  if (has.a != nullptr && key == has.a) {
    step.a = static_cast<std::uint32_t>(value);
    return value <= UINT32_MAX;
  }
  if (has.value == nullptr || key != has.value) return false;
  step.value = value;
  return true;
}

/// False, and `wrong`: the word that makes no sense.
bool parse_step(std::istringstream& words_of_line, Step& step, std::string& wrong) {
  words_of_line >> wrong;
  if (wrong == "B:" || wrong == "C:") {
    step.thread = wrong == "B:" ? 1 : 2;
    words_of_line >> wrong;
  }
  std::size_t call = 0;
  while (call < call_count && wrong != table[call].name) ++call;
  if (call == call_count) return false;
  step.call = static_cast<Call>(call);
  while (words_of_line >> wrong) {
    const std::size_t equals = wrong.find('=');
    if (equals == std::string::npos) return false;
    const std::string_view word = wrong;
    if (!set_field(step, word.substr(0, equals), word.substr(equals + 1))) return false;
  }
  return true;
}

}  // namespace

const Fields& fields(Call call) { return table[static_cast<std::size_t>(call)]; }
const char* name(Call call) { return fields(call).name; }

std::string describe(const Step& step) {
  const Fields& has = fields(step.call);
  std::string text;
  if (step.thread > 0) text += step.thread == 1 ? "B: " : "C: ";
  text += has.name;
  const auto add = [&](const char* field, const std::string& value) {
    if (field != nullptr) text += ' ' + std::string(field) + '=' + value;
  };
  add(has.fd, std::to_string(step.fd));
  add(has.other, std::to_string(step.other));
  if (has.a != nullptr) add(has.a, value_text(has.a, step.a));
  if (has.value != nullptr) add(has.value, value_text(has.value, step.value));
  return text;
}

std::string to_text(const Sequence& steps) {
  std::string text;
  for (const Step& step : steps) text += describe(step) + '\n';
  return text;
}

Sequence parse(const std::string& text, const std::string& where) {
  Sequence steps;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line = line.substr(0, line.find('#'));
    std::istringstream words_of_line(line);
    if ((words_of_line >> std::ws).eof()) continue;
    std::string wrong;
    Step step;
    if (!parse_step(words_of_line, step, wrong)) {
      throw std::runtime_error(where + ':' + std::to_string(number) + ": '" + wrong +
                               "' is no call, or no field of this call with such a value");
    }
    if (steps.size() == most_steps) {
      throw std::runtime_error(where + ':' + std::to_string(number) + ": more than " +
                               std::to_string(most_steps) + " calls");
    }
    steps.push_back(step);
  }
  return steps;
}

}  // namespace kernel_agrees
