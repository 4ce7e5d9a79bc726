// The command looks for failures: what it finds, keeps, counts and explains.
#include "cli_fixture.h"

namespace aiosim::cli_test {
namespace {

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
  for (const char* part : {"waits in mutex lock", "* switches to", "verdict: deadlock",
                           "from here it is always lost", "it fails whenever",
                           "no memory order is guilty"}) {
    EXPECT_NE(explained.out.find(part), std::string::npos) << part << "\n" << explained.out;
  }
  const Said short_one = run({"explain", file, "--backend", module_, "--timeline", "--json"});
  EXPECT_EQ(value_of(short_one.out, "no_return"), "null");
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
    return run({"explore", "ordered_locks_are_had", "--backend", module_, "--runs", "3000",
                "--jobs", jobs, "--json", "--seed", "5"});
  };
  const Said one = explore("1");
  const Said many = explore("3");
  EXPECT_GT(std::stoul(value_of(one.out, "distinct")), 10u) << many.err;
  for (const char* key : {"runs", "points", "distinct", "chance_new"}) {
    EXPECT_EQ(value_of(many.out, key), value_of(one.out, key)) << key;
  }
}

TEST_F(Cli, ExplainWritesAPageAndATrace) {
  ASSERT_EQ(find().status, 1);
  const std::string file = seeds().front().filename().string();
  const Said said = run({"explain", file, "--backend", module_, "--html", "why.html",
                         "--perfetto", "why.json", "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(value_of(said.out, "answer"), "no memory order");
  const std::string page = contents(folder_ / "why.html");
  for (const char* part : {"<!DOCTYPE html>", "from here it is always lost", "it fails whenever",
                           "mutex lock <b>mutex 1</b>", "switches to", "waits in mutex lock"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  for (const char* outside : {"http:", "https:", "src=", "<script", "<link"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  const std::string trace = contents(folder_ / "why.json");
  for (const char* part : {"\"traceEvents\"", "\"thread_name\"", "\"mutex lock mutex 1\"",
                           "\"cat\": \"choice\"", "\"displayTimeUnit\": \"ns\""}) {
    EXPECT_NE(trace.find(part), std::string::npos) << part;
  }
  refused({"explain", file, "--backend", module_, "--html", "missing/why.html"}, "missing");
  refused({"explain", file, "--backend", module_, "--perfetto", "."}, "folder");
}

TEST_F(Cli, ExhaustiveSearchEndsOrFinds) {
  const std::vector<std::string> common = {"--backend", module_, "--strategy", "exhaustive",
                                           "--seed",    "3",     "--json"};
  const auto explore = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "explore");
    words.insert(words.end(), common.begin(), common.end());
    return run(words);
  };
  const Said clean = explore({"ordered_locks_are_had"});
  EXPECT_EQ(clean.status, 0) << clean.err;
  EXPECT_EQ(value_of(clean.out, "complete"), "true");
  EXPECT_NE(clean.err.find("searched to the end"), std::string::npos) << clean.err;
  const Said bounded = explore({"ordered_locks_are_had", "--preemptions", "1"});
  EXPECT_NE(bounded.err.find("to preemption bound 1"), std::string::npos) << bounded.err;
  const Said some = explore({"ordered_locks_are_had", "--no-reduction", "--runs", "5"});
  EXPECT_EQ(value_of(some.out, "complete"), "false") << some.err;

  ASSERT_EQ(find().status, 1);
  const std::string file = seeds().front().filename().string();
  const Said found = explore({"locks_are_had", "--program", file});
  EXPECT_EQ(found.status, 1) << found.err;
  EXPECT_EQ(value_of(found.out, "verdict"), "deadlock");
  EXPECT_EQ(run({"replay", value_of(found.out, "seed_file"), "--backend", module_}).status, 0);
  EXPECT_EQ(explore({"ordered_locks_are_had", "--program", file}).status, 2);
}

}  // namespace
}  // namespace aiosim::cli_test
