// What the command says to good and bad use, and the files that it makes and leaves alone.
#include "cli_fixture.h"

namespace aiosim::cli_test {
namespace {

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
  for (const char* flag : {"--preemptions=2", "--stale-reads=2", "--strikes=1", "--no-reduction",
                           "--program=x.seed"}) {
    refused({"explore", "all", flag}, "only with --strategy exhaustive");
  }
  const std::vector<std::string> exhaustive = {"explore", "all", "--strategy", "exhaustive"};
  for (const char* flag : {"--jobs=2", "--world=host", "--twice"}) {
    std::vector<std::string> words = exhaustive;
    words.emplace_back(flag);
    refused(words, "--strategy exhaustive: no");
  }
  refused({"museum", "--seeds", "3"}, "only with --strategies");
  refused({"museum", "--strategies", "--for", "5s"}, "--for");
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
  refused({"explore", "all", "--strategy", "exhaustive", "--preemptions", "-1"}, "--preemptions");
  refused({"explore", "all", "--strategy", "exhaustive", "--stale-reads", "x"}, "--stale-reads");
  refused({"museum", "--strategies", "--seeds", "0"}, "--seeds");
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

TEST_F(Cli, WhatIsPrintedToGoOnWithNamesTheBackendsFile) {
  const Said said = find();
  for (const std::string command : {"replay:    ", "explain:   "}) {
    const std::size_t at = said.err.find("\n" + command);
    ASSERT_NE(at, std::string::npos) << command;
    const std::string line = said.err.substr(at + 1, said.err.find('\n', at + 1) - at - 1);
    EXPECT_NE(line.find(" --backend " + module_), std::string::npos) << line;
  }
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
}  // namespace aiosim::cli_test
