// The command as a person uses it: exit status, what goes to which stream, files that it makes and
// leaves alone. Each invocation is a forked process, over a suite of two properties of its own.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/main.h"
#include "aiosim/observe.h"

namespace aiosim {
namespace {

namespace fs = std::filesystem;

/// Threads that take two locks, "ab" or "ba". In mixed order some schedules deadlock.
class Locks final : public Execution {
 public:
  explicit Locks(Program program) : program_(std::move(program)) {}

  void body() override {
    const UnderTestScope scope;
    std::mutex a;
    std::mutex b;
    std::vector<std::thread> threads;
    for (const Program::Part& part : program_.parts) {
      threads.emplace_back([&] {
        for (const std::string& op : part.ops) {
          const std::lock_guard first(op == "ab" ? a : b);
          const std::lock_guard second(op == "ab" ? b : a);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  Verdict judge(const RunResult& result) override {
    Verdict verdict = result.verdict;
    if (!verdict.passed()) verdict.rule = "R1";
    return verdict;
  }

 private:
  Program program_;
};

class LockOrder final : public Property {
 public:
  LockOrder(std::string name, bool mixed) : name_(std::move(name)), mixed_(mixed) {}
  std::string_view name() const override { return name_; }
  std::string_view sentence() const override { return "Everybody gets both locks."; }
  const std::vector<std::string>& rules() const override { return rules_; }
  bool offered(const Backend&) const override { return true; }
  Program generate(std::uint64_t seed, int) const override {
    Random random(seed);
    Program program;
    for (const char* part : {"one", "two"}) {
      program.parts.push_back({part, {}});
      for (std::uint32_t n = 1 + random.below(3); n > 0; --n) {
        program.parts.back().ops.emplace_back(mixed_ && random.below(2) == 0 ? "ba" : "ab");
      }
    }
    return program;
  }
  void shrink(const Program& program,
              const std::function<bool(const Program&)>& keep) const override {
    Program best = program;
    for (std::size_t part = 0; part < best.parts.size(); ++part) {
      for (std::size_t op = best.parts[part].ops.size(); op-- > 0;) {
        Program smaller = best;
        auto& ops = smaller.parts[part].ops;
        ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(op));
        if (keep(smaller)) best = smaller;
      }
    }
  }
  std::unique_ptr<Execution> prepare(const Program& program, const Backend&) const override {
    return std::make_unique<Locks>(program);
  }

 private:
  std::string name_;
  bool mixed_;
  std::vector<std::string> rules_ = {"R1", "R2"};
};

int run_command(std::vector<std::string> words) {
  Suite suite;
  suite.properties.push_back(std::make_unique<LockOrder>("locks_are_had", true));
  suite.properties.push_back(std::make_unique<LockOrder>("ordered_locks_are_had", false));
  suite.rules = {{"R1", "Nobody waits for ever."}, {"R2", "So does nobody else."}};
  suite.entry_symbol = "cos";  // the properties need no backend: libm stands for one
  suite.describe = [](Backend& backend) { backend.name = "libm"; };
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return aiosim::main(static_cast<int>(argv.size()), argv.data(), suite);
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Said {
  int status = -1;
  std::string out, err;
};

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cli_test.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    void* libm = dlopen("libm.so.6", RTLD_NOW);
    ASSERT_NE(libm, nullptr);
    link_map* map = nullptr;
    ASSERT_EQ(dlinfo(libm, RTLD_DI_LINKMAP, &map), 0);
    module_ = map->l_name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Runs `aiosim WORDS` in folder_.
  Said run(std::vector<std::string> words) const {
    words.insert(words.begin(), "aiosim");
    const fs::path out = folder_.string() + ".out";
    const fs::path err = folder_.string() + ".err";
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      const int out_fd = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      const int err_fd = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      const bool ready =
          dup2(out_fd, 1) == 1 && dup2(err_fd, 2) == 2 && chdir(folder_.c_str()) == 0;
      const int status = ready ? run_command(words) : 99;
      std::fflush(nullptr);
      _exit(status);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    Said said{WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), contents(out),
              contents(err)};
    fs::remove(out);
    fs::remove(err);
    return said;
  }

  /// Bad use: status 2, one line, nothing on standard output, no file made.
  void refused(const std::vector<std::string>& words, const std::string& part) const {
    const auto files = [&] {
      return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
    };
    const auto before = files();
    const Said said = run(words);
    std::string command = "aiosim";
    for (const std::string& word : words) command += " '" + word + "'";
    EXPECT_EQ(said.status, 2) << command;
    EXPECT_EQ(said.out, "") << command;
    EXPECT_EQ(said.err.rfind("aiosim: ", 0), 0u) << command << "\n" << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << command << said.err;
    EXPECT_NE(said.err.find(part), std::string::npos) << command << "\n" << said.err;
    EXPECT_EQ(files(), before) << command;
  }

  std::vector<fs::path> seeds() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".seed") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  /// What an exploration that must find the deadlock says.
  Said find(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"explore", "locks_are_had", "--backend", module_, "--runs",
                                      "2000",    "--json"};
    words.insert(words.end(), more.begin(), more.end());
    words.emplace_back("7");
    return run(words);
  }

  fs::path folder_;
  std::string module_;
};

/// The text of the first `"key": value` in a JSON document, without quotes.
std::string value_of(const std::string& json, const std::string& key) {
  const std::string start = "\"" + key + "\": ";
  const std::size_t at = json.find(start);
  if (at == std::string::npos) return "(no " + key + ")";
  const std::size_t from = at + start.size();
  std::string value = json.substr(from, json.find_first_of(",\n", from) - from);
  std::erase(value, '"');
  return value;
}

const std::vector<std::string> commands = {"conform",  "explore", "replay", "minimise",
                                           "explain", "museum",  "list"};

TEST_F(Cli, EverySubcommandHasHelp) {
  for (const std::string& command : commands) {
    const Said said = run({command, "--help"});
    EXPECT_EQ(said.status, 0) << command;
    EXPECT_NE(said.out.find("--json"), std::string::npos) << command;
    EXPECT_EQ(said.err, "") << command;
  }
  EXPECT_EQ(run({"--help"}).status, 0);
}

TEST_F(Cli, WithoutSubcommandTellsWhatThereIs) {
  const Said said = run({});
  EXPECT_EQ(said.status, 2);
  EXPECT_EQ(said.out, "");
  for (const std::string& command : commands) {
    EXPECT_NE(said.err.find(command), std::string::npos) << command;
  }
}

TEST_F(Cli, BadWordsAreOneLine) {
  refused({""}, "command");
  refused({"explor"}, "did you mean 'explore'?");
  refused({"--json"}, "command");
  for (const std::string& command : commands) {
    refused({command, "--no-such-flag"}, "--no-such-flag");
  }
  refused({"explore", "locks_are_had", "--backends", "x"}, "did you mean --backend?");
  refused({"explore"}, "PROPERTY");
  refused({"explore", "lock_are_had"}, "did you mean 'locks_are_had'?");
  refused({"explore", "all", "--backend", "nobody"}, "no backend 'nobody'");
  refused({"explore", "all", "--backend", module_, "--strategy", "portfolo"}, "'portfolio'");
  refused({"explore", "all", "--backend", module_, "--faults", "linux/none"}, "linux/none");
  refused({"explore", "all", "--backend", module_, "--faults", "./none.toml"}, "none.toml");
  refused({"explore", "all", "--memory", "strong"}, "strong");
  refused({"explore", "all", "--world", "flat"}, "flat");
  refused({"conform", "--rule", "R77"}, "R77");
  refused({"list", "everything"}, "everything");
}

TEST_F(Cli, BadNumbersAreOneLine) {
  for (const char* runs : {"0x", "-1", "0", "", "1e3", "ten", "99999999999999999999", "5 "}) {
    refused({"explore", "all", "--runs", runs}, "--runs");
  }
  for (const char* duration : {"3parsecs", "-5s", "0", "s", "nan", "inf", "1e400"}) {
    refused({"explore", "all", "--for", duration}, "--for");
  }
  refused({"explore", "all", "--jobs", "0"}, "--jobs");
  refused({"explore", "all", "--jobs", "100000"}, "--jobs");
  refused({"explore", "all", "--seed", "-3"}, "-3");
  refused({"explore", "all", "--runs", "5", "--for", "5s"}, "one of the two");
  refused({"explore", "all", "--seed", "5", "6"}, "twice");
  refused({"replay", "x.seed", "--stop-at", "never"}, "--stop-at");
}

TEST_F(Cli, BadFilesAreOneLine) {
  for (const char* command : {"replay", "minimise", "explain"}) {
    refused({command, "missing.seed"}, "missing.seed");
    refused({command, "."}, ".");
  }
  write("torn.seed", "version = ");
  refused({"replay", "torn.seed"}, "torn.seed:1");
  write("text.so", "no module\n");
  refused({"explore", "all", "--backend", "./text.so"}, "text.so");
  refused({"explore", "all", "--backend", "text.so"}, "text.so");
  refused({"explore", "all", "--backend", "./missing.so"}, "missing.so");
  write("file", "");
  refused({"explore", "all", "--backend", module_, "--out", "file"}, "file");
  refused({"explore", "all", "--backend", module_, "--out", "/proc/none"}, "/proc/none");
}

TEST_F(Cli, ExploreFindsKeepsAndReplays) {
  const Said said = find();
  EXPECT_EQ(said.status, 1) << said.err;
  EXPECT_EQ(value_of(said.out, "property"), "locks_are_had");
  EXPECT_EQ(value_of(said.out, "backend"), "libm");
  EXPECT_EQ(value_of(said.out, "verdict"), "deadlock");
  EXPECT_EQ(value_of(said.out, "rule"), "R1");
  for (const char* key : {"strategy", "memory", "runs", "points", "seconds", "distinct",
                          "chance_new"}) {
    EXPECT_NE(said.out.find("\"" + std::string(key) + "\":"), std::string::npos) << key;
  }
  ASSERT_EQ(seeds().size(), 1u);
  const std::string file = seeds().front().filename().string();
  EXPECT_EQ(value_of(said.out, "seed_file"), file);
  EXPECT_NE(said.err.find("aiosim replay " + file + " --backend " + module_), std::string::npos)
      << said.err;

  const Said again = run({"replay", "--twice", "--json", file, "--backend", module_});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(value_of(again.out, "ok"), "true");
  EXPECT_EQ(value_of(again.out, "trace_hash"), value_of(again.out, "expected_trace_hash"));

  const Said explained = run({"explain", file, "--backend", module_});
  EXPECT_EQ(explained.status, 0) << explained.err;
  EXPECT_NE(explained.out.find("waits in mutex lock"), std::string::npos) << explained.out;
  EXPECT_NE(explained.out.find("* switches to"), std::string::npos) << explained.out;
  EXPECT_NE(explained.out.find("verdict: deadlock"), std::string::npos) << explained.out;
}

TEST_F(Cli, NothingFoundIsStatusZeroAndNoFile) {
  const Said said =
      run({"explore", "ordered_locks_are_had", "--backend", module_, "--runs", "300", "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(value_of(said.out, "verdict"), "pass");
  EXPECT_EQ(value_of(said.out, "runs"), "300");
  EXPECT_EQ(value_of(said.out, "seed_file"), "null");
  EXPECT_TRUE(seeds().empty());
  // The drawn seed is printed, so that the search can be made again.
  EXPECT_NE(said.err.find("seed " + value_of(said.out, "seed") + ","), std::string::npos);
}

TEST_F(Cli, ManyProcessesFindWhatOneFinds) {
  const Said one = find();
  const Said many = find({"--jobs", "3"});
  EXPECT_EQ(many.status, 1) << many.err;
  ASSERT_EQ(seeds().size(), 2u);  // the second did not overwrite the first
  EXPECT_EQ(contents(seeds()[0]), contents(seeds()[1]));
  for (const char* key : {"runs", "points", "runs_to_find", "distinct", "chance_new"}) {
    EXPECT_EQ(value_of(many.out, key), value_of(one.out, key)) << key;
  }
}

TEST_F(Cli, ManyProcessesCountWhatOneCounts) {
  const auto explore = [&](const char* jobs) {
    return run({"explore", "ordered_locks_are_had", "--backend", module_, "--runs", "3000", "--jobs",
                jobs, "--json", "--seed", "5"});
  };
  const Said one = explore("1");
  const Said many = explore("3");
  EXPECT_EQ(many.status, 0) << many.err;
  EXPECT_GT(std::stoul(value_of(one.out, "distinct")), 10u);
  for (const char* key : {"runs", "points", "distinct", "chance_new"}) {
    EXPECT_EQ(value_of(many.out, key), value_of(one.out, key)) << key;
  }
}

TEST_F(Cli, AnotherVerdictThanTheFilesIsStatusOne) {
  ASSERT_EQ(find().status, 1);
  std::string text = contents(seeds().front());
  const std::size_t at = text.find("verdict = \"deadlock\"");
  ASSERT_NE(at, std::string::npos);
  write("other.seed", text.replace(at, 20, "verdict = \"livelock\""));
  const Said said = run({"replay", "other.seed", "--backend", module_, "--json"});
  EXPECT_EQ(said.status, 1) << said.err;
  EXPECT_EQ(value_of(said.out, "expected"), "livelock");
  EXPECT_EQ(value_of(said.out, "verdict"), "deadlock");
  EXPECT_EQ(value_of(said.out, "ok"), "false");
}

TEST_F(Cli, MinimiseNeverOverwrites) {
  ASSERT_EQ(find({"--no-minimise"}).status, 1);
  const std::string file = seeds().front().filename().string();
  const Said said = run({"minimise", file, "--backend", module_, "--out", "small.seed", "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(value_of(said.out, "seed_file"), "small.seed");
  EXPECT_EQ(value_of(said.out, "program_ops"), "2");
  const std::string small = contents(folder_ / "small.seed");
  EXPECT_EQ(run({"replay", "small.seed", "--backend", module_}).status, 0);
  refused({"minimise", file, "--backend", module_, "--out", "small.seed"}, "small.seed");
  EXPECT_EQ(contents(folder_ / "small.seed"), small);
}

TEST_F(Cli, ConformSpreadsFindingsToRulesAndWritesReports) {
  const Said said = run({"conform", "--backend", module_, "--runs", "300", "--faults", "none",
                         "--jobs", "2", "--out", "report", "--json"});
  EXPECT_EQ(said.status, 1) << said.err;
  // R1 is broken by the first property, kept by the second; R2 is kept by both.
  EXPECT_NE(said.err.find("3 pass, 1 fail"), std::string::npos) << said.err;
  EXPECT_EQ(value_of(said.out, "result"), "fail");
  EXPECT_EQ(contents(folder_ / "report/conform.json"), said.out);
  EXPECT_NE(contents(folder_ / "report/conform.xml").find("<failure "), std::string::npos);
  EXPECT_NE(contents(folder_ / "report/conform.html").find("class=\"fail\""), std::string::npos);
  EXPECT_EQ(run({"conform", "--backend", module_, "--property", "ordered_locks_are_had", "--runs",
                 "50", "--faults", "none", "--out", "report"}).status, 0);
}

TEST_F(Cli, ListNamesWhatThereIs) {
  const Said said = run({"list", "properties"});
  EXPECT_EQ(said.status, 0);
  EXPECT_NE(said.out.find("locks_are_had"), std::string::npos);
  const Said faults = run({"list", "faults", "--json"});
  EXPECT_EQ(faults.status, 0);
  EXPECT_NE(faults.out.find("linux/epoll_wait/eintr"), std::string::npos);
}

}  // namespace
}  // namespace aiosim
