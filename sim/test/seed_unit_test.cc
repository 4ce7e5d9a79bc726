// sources: seed/seed_read.cc seed/seed_text.cc seed/seed_file.cc names/names.cc
// Seed files: every value comes back equal; every other text is one clear line, never a crash.
#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "aiosim/seed.h"

namespace aiosim {
namespace {

/// Strings that need care: quotes, escapes, control characters, UTF-8 of every length, dots.
std::string draw_text(Random& random) {
  static const std::vector<std::string> pieces = {"a",
                                                  "T2 sched",
                                                  "\"",
                                                  "'",
                                                  "\\",
                                                  "\n",
                                                  "\r\n",
                                                  "\t",
                                                  std::string(1, '\0'),
                                                  "\x01",
                                                  "\x1f",
                                                  "\x7f",
                                                  "é",
                                                  "\u0085",
                                                  "\u2028",
                                                  "漢",
                                                  "\U0001F600",
                                                  "=",
                                                  "#",
                                                  "[[x]]",
                                                  "\"\"\"",
                                                  "'''",
                                                  "\\u0041",
                                                  "{",
                                                  "}",
                                                  ".",
                                                  ",",
                                                  "\ufeff",
                                                  "\uffff",
                                                  "\ue000",
                                                  std::string(300, '.')};
  std::string out;
  for (std::uint32_t n = random.below(6); n > 0; --n) {
    out += pieces[random.below(static_cast<std::uint32_t>(pieces.size()))];
  }
  return out;
}

std::uint64_t draw_word(Random& random) {
  return random.next() >> (random.below(4) * 16);  // on both sides of int64's end
}

SeedFile draw_seed(std::uint64_t number) {
  Random random(mix64(number));
  SeedFile seed;
  seed.happens = draw_text(random);
  seed.property = draw_text(random);
  seed.backend = draw_text(random);
  seed.verdict.kind =
      static_cast<VerdictKind>(random.below(static_cast<std::uint32_t>(VerdictKind::count_)));
  seed.verdict.rule = draw_text(random);
  seed.verdict.text = draw_text(random);
  seed.memory = random.below(2) == 0 ? MemoryMode::weak : MemoryMode::sc;
  seed.max_points = 1 + random.below(1'000'000);
  seed.searched = random.below(2) == 0;
  for (std::uint32_t part = random.below(4); part > 0; --part) {
    seed.program.parts.push_back({draw_text(random), {}});
    for (std::uint32_t op = random.below(5); op > 0; --op) {
      seed.program.parts.back().ops.push_back(draw_text(random));
    }
  }
  for (std::uint32_t n = random.below(3); n > 0; --n) seed.faults.push_back(draw_text(random));
  seed.fault_limit = random.below(3);
  for (std::uint32_t n = random.below(6); n > 0; --n) {
    Choice choice;
    choice.key = {random.below(8), static_cast<Kind>(random.below(kind_count)), n};
    choice.answers = 2 + random.below(UINT32_MAX - 2);
    choice.value = 1 + random.below(choice.answers - 1);
    choice.operation = draw_text(random);
    choice.object = draw_text(random);
    seed.choices.push_back(choice);
  }
  seed.trace_hash = draw_word(random);
  seed.found_by = draw_text(random);
  seed.root_seed = draw_word(random);
  seed.run_number = draw_word(random);
  return seed;
}

auto fields(const Choice& c) { return std::tie(c.key, c.answers, c.value, c.operation, c.object); }

void expect_equal(const SeedFile& a, const SeedFile& b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.happens, b.happens);
  EXPECT_EQ(a.property, b.property);
  EXPECT_EQ(a.backend, b.backend);
  EXPECT_EQ(a.verdict.kind, b.verdict.kind);
  EXPECT_EQ(a.verdict.rule, b.verdict.rule);
  EXPECT_EQ(a.verdict.text, b.verdict.text);
  EXPECT_EQ(a.memory, b.memory);
  EXPECT_EQ(a.max_points, b.max_points);
  EXPECT_EQ(a.searched, b.searched);
  EXPECT_EQ(a.program, b.program);
  EXPECT_EQ(a.faults, b.faults);
  EXPECT_EQ(a.fault_limit, b.fault_limit);
  ASSERT_EQ(a.choices.size(), b.choices.size());
  for (std::size_t i = 0; i < a.choices.size(); ++i) {
    EXPECT_EQ(fields(a.choices[i]), fields(b.choices[i]));
  }
  EXPECT_EQ(a.trace_hash, b.trace_hash);
  EXPECT_EQ(a.found_by, b.found_by);
  EXPECT_EQ(a.root_seed, b.root_seed);
  EXPECT_EQ(a.run_number, b.run_number);
}

SeedFile small_seed() {
  SeedFile seed;
  seed.happens = "the home thread sleeps for ever";
  seed.property = "every_notify_wakes";
  seed.backend = "skip_barrier";
  seed.verdict = {VerdictKind::deadlock, "R36", "T0 waits\nT1 ended"};
  seed.program.parts = {{"home", {"poll blocking"}}, {"producer 1", {"notify"}}};
  seed.faults = {"linux/read/eintr"};
  seed.fault_limit = 4;
  seed.choices = {{{1, Kind::sched, 3}, 2, 1, "write", "fd 5"},
                  {{0, Kind::reads_from, 12}, 3, 2, "atomic load", "atomic 4"}};
  seed.trace_hash = 0xfedcba9876543210;
  seed.found_by = "portfolio";
  seed.root_seed = 7;
  return seed;
}

/// The message of parse_seed for `text`; "" if it is a seed file.
std::string complaint(const std::string& text) {
  try {
    parse_seed(text, "x.seed");
    return "";
  } catch (const BadInput& bad) {
    return bad.what();
  }
}

/// A BadInput must be one printable line that starts with file and line.
bool is_clear(const std::string& message) {
  const std::string start = "x.seed:";
  if (message.compare(0, start.size(), start) != 0) return false;
  if (message.find(": expected ") == std::string::npos) return false;
  if (message.find(", found ") == std::string::npos) return false;
  for (const char c : message) {
    if (c < ' ' || c > '~') return false;
  }
  return message[start.size()] >= '1' && message[start.size()] <= '9';
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Seed, every_value_comes_back_equal) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const SeedFile seed = draw_seed(i);
    const std::string text = seed_text(seed);
    SCOPED_TRACE(text);
    ASSERT_EQ(complaint(text), "");
    const SeedFile back = parse_seed(text, "x.seed");
    expect_equal(seed, back);
    EXPECT_EQ(seed_text(back), text);
    if (HasFailure()) return;
  }
}

TEST(Seed, bytes_that_are_no_utf8_are_replaced_when_written) {
  SeedFile seed = small_seed();
  seed.happens = "a\xff\xc3(\xed\xa0\x80 b";
  EXPECT_EQ(parse_seed(seed_text(seed), "x.seed").happens, "a\ufffd\ufffd(\ufffd\ufffd\ufffd b");
}

TEST(Seed, cut_at_every_byte_is_bad_input_or_equal) {
  for (const SeedFile& seed : {small_seed(), draw_seed(3), draw_seed(4)}) {
    const std::string text = seed_text(seed);
    for (std::size_t length = 0; length < text.size(); ++length) {
      const std::string cut = text.substr(0, length);
      const std::string message = complaint(cut);
      if (message.empty()) {
        ASSERT_EQ(text.find_first_not_of(" \n", length), std::string::npos) << cut;
        EXPECT_EQ(seed_text(parse_seed(cut, "x.seed")), text);
      } else {
        ASSERT_TRUE(is_clear(message)) << message;
      }
    }
  }
}

std::string edited(std::string text, Random& random) {
  static constexpr std::string_view likely = "\"\\[]{}=,.#'\n 0x-e\xff\x80";
  for (std::uint32_t edits = 1 + random.below(3); edits > 0; --edits) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    const char c = random.below(2) == 0
                       ? likely[random.below(static_cast<std::uint32_t>(likely.size()))]
                       : static_cast<char>(random.below(256));
    switch (random.below(4)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      case 2:
        text.erase(at, 1 + random.below(8));
        break;
      default:
        text.insert(at, text.substr(random.below(static_cast<std::uint32_t>(text.size())), 20));
    }
    if (text.empty()) return text;
  }
  return text;
}

TEST(Seed, a_million_random_edits_are_bad_input_or_seed_files) {
  const char* wanted = std::getenv("AIOSIM_SEED_EDITS");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const long edits = wanted != nullptr ? std::atol(wanted) : 100'000;  // ten times as slow there
#else
  const long edits = wanted != nullptr ? std::atol(wanted) : 1'000'000;
#endif
  SeedFile smaller = small_seed();  // mostly: toml++ takes some 20 ns a byte
  smaller.happens = smaller.property = smaller.backend = "x";
  smaller.verdict.text = "y";
  smaller.choices.resize(1);
  smaller.program.parts.resize(1);
  smaller.faults.clear();
  smaller.fault_limit = 0;
  const std::string texts[] = {seed_text(smaller), seed_text(small_seed())};
  Random random(2024);
  long good = 0;
  for (long i = 0; i < edits; ++i) {
    const std::string candidate = edited(texts[i % 8 == 0 ? 1 : 0], random);
    const std::string message = complaint(candidate);
    if (message.empty()) {
      ++good;
      const std::string again = seed_text(parse_seed(candidate, "x.seed"));
      ASSERT_EQ(complaint(again), "") << candidate;
    } else {
      ASSERT_TRUE(is_clear(message)) << message << "\n" << candidate;
    }
  }
  EXPECT_GT(good, 0);
  EXPECT_LT(good, edits);
}

struct Bad {
  const char* from;
  const char* to;
  const char* message;
};

TEST(Seed, mistakes_are_named_with_line_and_expectation) {
  const std::string text = seed_text(small_seed());
  const Bad cases[] = {
      {"version = 1", "version = 2", ":2: expected a seed file of version 1 "},
      {"version = 1", "version = 0",
       ":2: expected an integer from 1 to 1 for 'version', found int"},
      {"version = 1", "version = 1.0", "found a float"},
      {"version = 1\n", "", "expected the key 'version', found none"},
      {"happens", "happen", ":3: expected one of the keys version happens"},
      {"happens = ", "happens = 3 #", ":3: expected a string for 'happens', found integer 3"},
      {"\"deadlock\"", "\"dead lock\"", "expected a verdict (pass, rule broken, deadlock"},
      {"\"weak\"", "\"strong\"", "expected \"weak\" or \"sc\", found \"strong\""},
      {"max_points = 100000", "max_points = -1", "expected an integer from 1 to"},
      {"max_points = 100000", "max_points = 100000\nsearched = 1", "expected true or false"},
      {"ops = [\n  \"poll", "ops = [\n  4,\"poll", "expected a string in 'ops', found integer 4"},
      {"T1 sched 3", "T1 shed 3", "expected \"T<thread> <kind> <number from 1>\" for 'at'"},
      {"T1 sched 3", "T1 sched 0", "for 'at', found \"T1 sched 0\""},
      {"T1 sched 3", "T1 sched 4294967296", "for 'at'"},
      {"T1 sched 3", "T-1 sched 3", "for 'at'"},
      {"T1 sched 3", "T0 reads_from 12", "expected each choice once"},
      {"pick = 1", "pick = 2", "expected an integer from 1 to 1 for 'pick', found integer 2"},
      {"pick = 1", "pick = 0", "expected an integer from 1 to 1 for 'pick', found integer 0"},
      {"of = 2", "of = 99999999999", "expected an integer from 2 to 4294967295 for 'of'"},
      {"of = 2", "off = 2", "expected one of the keys at pick of operation object"},
      {"0xfedcba9876543210", "0xfedcba98765432100", "1 to 16 hex digits for 'trace_hash'"},
      {"root_seed = 7", "root_seed = \"7\"", "expected an integer from 0, or \"0x\""},
      {"limit = 4", "limit = 4\nlimit = 4", "expected TOML, found an error in it"},
      {"[schedule]", "[schedules]", "expected one of the keys"},
      {"[found]", "[[found]]", "expected a table [found], found an array"},
      {"[[program]]", "[program]", "expected TOML"},
  };
  for (const Bad& bad : cases) {
    const std::string message = complaint(replaced(text, bad.from, bad.to));
    EXPECT_NE(message.find(bad.message), std::string::npos) << bad.to << "\n" << message;
    EXPECT_TRUE(is_clear(message)) << message;
  }
}

TEST(Seed, hostile_files_are_refused) {
  std::string dotted = "a";
  for (int i = 0; i < 1'000'000; ++i) dotted += ".a";
  std::string tables;
  for (int i = 0; i < 100'000; ++i) tables += "a={";
  std::string keys;
  for (int i = 0; i < 7; ++i) keys += dotted.substr(0, 2 * 250 + 1) + "=[\n{";
  for (const std::string& text :
       {dotted + " = 1", '[' + dotted + "]", tables, keys, std::string(100'000, '['),
        std::string(5u << 20, ' '), std::string(5u << 20, '.'), std::string(1000, '\0'),
        std::string("\xff\xfe"), std::string("\xef\xbb\xbf"), std::string("\"\"\"")}) {
    const std::string message = complaint(text);
    EXPECT_TRUE(is_clear(message)) << message << "\n" << text.substr(0, 60);
  }
}

/// A folder of its own, removed with all that is in it.
class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "seedXXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(path_)) ++n;
    return n;
  }

 private:
  std::string path_;
};

std::string read_complaint(const std::string& path) {
  try {
    read_seed(path);
    return "";
  } catch (const BadInput& bad) {
    return bad.what();
  }
}

std::string write_complaint(const std::string& path) {
  try {
    write_seed(path, small_seed());
    return "";
  } catch (const BadInput& bad) {
    return bad.what();
  }
}

TEST(SeedOnDisk, is_written_whole_and_read_back) {
  const Folder folder;
  const std::string path = folder / "a.seed";
  write_seed(path, draw_seed(1));
  expect_equal(read_seed(path), draw_seed(1));
  write_seed(path, draw_seed(2));
  expect_equal(read_seed(path), draw_seed(2));
  EXPECT_EQ(folder.files(), 1u);  // no temporary file is left
}

TEST(SeedOnDisk, what_cannot_be_read_is_bad_input) {
  const Folder folder;
  EXPECT_NE(read_complaint(folder / "none").find("No such file"), std::string::npos);
  EXPECT_NE(read_complaint(folder / "").find("expected a regular file"), std::string::npos);
  EXPECT_NE(read_complaint("/dev/zero").find("expected a regular file"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_NE(read_complaint(folder / "fifo").find("expected a regular file"), std::string::npos);
  std::ofstream(folder / "huge") << std::string(5u << 20, 'x');
  EXPECT_NE(read_complaint(folder / "huge").find("at most 4 MiB"), std::string::npos);
  std::ofstream(folder / "empty");
  EXPECT_NE(read_complaint(folder / "empty").find(":1: expected"), std::string::npos);
}

TEST(SeedOnDisk, what_cannot_be_written_is_bad_input_and_stays_as_it_was) {
  const Folder folder;
  EXPECT_NE(write_complaint(folder / "no/such/folder.seed").find("expected"), std::string::npos);
  EXPECT_NE(write_complaint("/dev/null").find("expected a regular file"), std::string::npos);
  EXPECT_NE(write_complaint(folder / "").find("expected a regular file"), std::string::npos);
  EXPECT_NE(write_complaint("/proc/a.seed").find("expected a writable folder"), std::string::npos);
  EXPECT_EQ(folder.files(), 0u);
}

}  // namespace
}  // namespace aiosim
