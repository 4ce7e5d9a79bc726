// The command as a person uses it, for its tests: each invocation is a forked process, over a suite
// of two properties of its own.
#pragma once

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

namespace aiosim::cli_test {

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

inline int run_command(std::vector<std::string> words) {
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

inline std::string contents(const fs::path& file) {
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
inline std::string value_of(const std::string& json, const std::string& key) {
  const std::string start = "\"" + key + "\": ";
  const std::size_t at = json.find(start);
  if (at == std::string::npos) return "(no " + key + ")";
  const std::size_t from = at + start.size();
  std::string value = json.substr(from, json.find_first_of(",\n", from) - from);
  std::erase(value, '"');
  return value;
}

}  // namespace aiosim::cli_test
