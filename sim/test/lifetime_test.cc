// Planted lifetime faults come to their verdict, with the stacks of allocation, free and use;
// correct programs of the same shape pass.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "aiosim/choice.h"
#include "aiosim/forked.h"
#include "aiosim/module.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"
#include "explore/replay.h"
#include "fault/points.h"
#include "lifetime/faults.h"
#include "memory/layout.h"
#include "trace/symbolize.h"

namespace aiosim {
namespace {

class Dull final : public Chooser {
 public:
  void begin() override {}
  std::uint32_t choose(const Question&) override { return 0; }
};

const lifetime::Programs& programs() {
  static const Module module(AIOSIM_LIFETIME_MODULE, "lifetime_programs");
  return *static_cast<const lifetime::Programs*>(module.entry());
}

std::function<void()> program(const std::string& name) {
  for (const auto* at = programs().begin; at != programs().end; ++at) {
    if (name != at->name) continue;
    return [run = at->run] {
      const UnderTestScope scope;
      run();
    };
  }
  ADD_FAILURE() << "no program " << name;
  return [] {};
}

RunResult run_program(const std::string& name, const RunOptions& options = {}) {
  Dull chooser;
  return run(program(name), chooser, options);
}

struct Planted {
  const char* program;
  VerdictKind kind;
  std::vector<const char*> says;  // in this order, symbols found
};

void PrintTo(const Planted& planted, std::ostream* out) { *out << planted.program; }

class Lifetime : public testing::TestWithParam<Planted> {};

TEST_P(Lifetime, IsFoundAndTold) {
  const RunResult result = run_program(GetParam().program);
  EXPECT_EQ(result.verdict.kind, GetParam().kind) << result.verdict.text;
  trace::Symbolizer symbolizer;
  const std::string text = trace::with_places(result.verdict.text, symbolizer);
  std::size_t at = 0;
  for (const char* words : GetParam().says) {
    const std::size_t found = text.find(words, at);
    EXPECT_NE(found, std::string::npos) << words << "\nin: " << text;
    if (found != std::string::npos) at = found;
  }
  if (std::getenv("AIOSIM_SHOW") != nullptr) std::puts(text.c_str());
}

const Planted planted[] = {
    {"use_after_free",
     VerdictKind::use_after_free,
     {"plain read of 8 bytes by thread 0 at faults.cc:", "\n    in planted::read_node (faults.cc:",
      "\n    called from planted::use_after_free (faults.cc:",
      "in a block of 16 bytes freed by thread 1", "\n    in planted::drop_node (faults.cc:",
      "\n    called from operator() (faults.cc:", "place: byte 8", "allocated by thread 0",
      "\n    in planted::make_node (faults.cc:",
      "\n    called from planted::use_after_free (faults.cc:"}},
    {"atomic_use_after_free",
     VerdictKind::use_after_free,
     {"atomic load of 4 bytes", "\n    in planted::read_atomic (",
      "\n    in planted::drop_atomic (", "\n    in planted::atomic_use_after_free ("}},
    {"double_free",
     VerdictKind::double_free,
     {"free by thread 0", "freed before", "\n    in planted::drop_bytes (",
      "\n    called from planted::double_free (", "freed by thread 0",
      "\n    in planted::drop_bytes (", "\n    called from planted::double_free (",
      "allocated by thread 0", "\n    in planted::make_bytes ("}},
    {"free_inside",
     VerdictKind::invalid_free,
     {"free by thread 0 at faults.cc:", "an address that malloc never gave",
      "\n    in planted::drop_bytes (", "byte 16 of a block of 64 bytes", "allocated by thread 0",
      "\n    in planted::make_bytes (", "\n    called from planted::free_inside ("}},
    {"free_local",
     VerdictKind::invalid_free,
     {"the address of a local variable", "\n    in planted::drop_bytes ("}},
    {"free_static",
     VerdictKind::invalid_free,
     {"the address of a static object", "\n    in planted::drop_bytes ("}},
    {"free_what_new_gave",
     VerdictKind::invalid_free,
     {"free by thread 0", "of a block of operator new", "\n    in planted::drop_bytes (",
      "allocated by thread 0", "\n    in planted::make_node ("}},
    {"delete_array_as_object",
     VerdictKind::invalid_free,
     {"operator delete by thread 0", "of a block of operator new[]"}},
    {"delete_with_another_size",
     VerdictKind::invalid_free,
     {"of another size: 8 bytes are said", "\n    in planted::drop_sized (",
      "a block of 16 bytes"}},
    {"write_past_end",
     VerdictKind::out_of_bounds,
     {"plain write of 1 byte by thread 0", "is out of bounds", "\n    in planted::write_byte (",
      "\n    called from planted::write_past_end (", "0 bytes past the end of a block of 61 bytes",
      "allocated by thread 0", "\n    in planted::make_bytes ("}},
    {"write_far_past_end", VerdictKind::out_of_bounds, {"40 bytes past the end of a block of 256"}},
    {"write_before_begin", VerdictKind::out_of_bounds, {"1 bytes before a block of 64 bytes"}},
    {"read_across_the_end",
     VerdictKind::out_of_bounds,
     {"read of 8 bytes", "it begins 4 bytes before the end", "byte 8 of a block of 12 bytes"}},
    {"fill_past_end",
     VerdictKind::out_of_bounds,
     {"is out of bounds", "\n    in planted::fill (", "byte 0 of a block of 100 bytes"}},
    {"atomic_past_end",
     VerdictKind::out_of_bounds,
     {"atomic load of 4 bytes", "\n    in planted::read_atomic_past_end (",
      "0 bytes past the end of a block of 16 bytes"}},
    {"leak",
     VerdictKind::leak,
     {"a block of 16 bytes was never freed", "allocated by thread 0",
      "\n    in planted::make_node (", "\n    called from planted::forget_node (",
      "\n    called from planted::leak (", "lost in all: 32 bytes in 2 blocks"}},
    {"leak_of_a_thread",
     VerdictKind::leak,
     {"allocated by thread 1", "\n    in planted::make_node ("}},
    {"leak_of_a_ring", VerdictKind::leak, {"lost in all: 32 bytes in 2 blocks"}},
    {"own_frame_has_returned",
     VerdictKind::use_after_return,
     {"plain write of 4 bytes by thread 0", "in a frame of thread 0 that has returned",
      "\n    in planted::write_int (", "\n    called from planted::own_frame_has_returned ("}},
    {"another_frame_has_returned",
     VerdictKind::use_after_return,
     {"atomic store of 4 bytes by thread 1", "in a frame of thread 0 that has returned",
      "\n    in planted::answer (", "thread 0 has gone on to"}},
    {"thread_has_ended",
     VerdictKind::use_after_return,
     {"in a frame of thread 1 that has returned", "\n    in planted::write_int (",
      "thread 1 has ended"}},
    {"die_without_memory", VerdictKind::pass, {}},
    // The value of the joined thread's thread_local is destroyed with the thread; that of the
    // first one is held.
};
INSTANTIATE_TEST_SUITE_P(Planted, Lifetime, testing::ValuesIn(planted),
                         [](const auto& planted_one) {
                           return std::string(planted_one.param.program);
                         });

TEST(LifetimePasses, CorrectProgramsOfTheSameShape) {
  for (const char* name : {"use_before_free", "free_all_forms", "use_all_bytes", "held_by_a_static",
                           "held_by_a_thread_local", "held_by_a_thread", "another_frame_waits",
                           "own_frames_are_alive", "survive_without_memory"}) {
    const RunResult result = run_program(name);
    EXPECT_TRUE(result.verdict.passed()) << name << ": " << result.verdict.text;
  }
}

// --- leftovers

TEST(Leftovers, SayWhoHoldsWhat) {
  RunOptions options;
  options.leftovers = true;
  const std::string told =
      testing::PrintToString(run_program("held_by_a_static", options).leftovers);
  EXPECT_NE(told.find("planted::registry (liblifetime_faults.so) holds a block of 16 bytes"),
            std::string::npos)
      << told;
  const std::string thread =
      testing::PrintToString(run_program("held_by_a_thread", options).leftovers);
  EXPECT_NE(thread.find("thread 1 has not ended"), std::string::npos) << thread;
  EXPECT_NE(thread.find("the stack of thread 1 holds a block of 16 bytes"), std::string::npos)
      << thread;
  EXPECT_TRUE(run_program("use_before_free", options).leftovers.empty());
}

// --- malloc/enomem

class Strikes final : public Chooser {
 public:
  explicit Strikes(std::uint32_t at) : at_(at) {}
  void begin() override {}
  std::uint32_t choose(const Question& question) override {
    return question.label == "malloc/enomem" && question.key.number == at_ ? 1 : 0;
  }

 private:
  std::uint32_t at_;
};

TEST(Enomem, StrikesMallocAndNewWhereItIsChosen) {
  fault::arm(fault::parse_plan("malloc/enomem"));
  for (std::uint32_t at = 1; at <= 3; ++at) {
    Strikes strikes(at);
    const RunResult survived = run(program("survive_without_memory"), strikes);
    EXPECT_TRUE(survived.verdict.passed()) << survived.verdict.text;
    EXPECT_EQ(survived.choices.size(), at <= 2 ? 1u : 0u);
    const RunResult died = run(program("die_without_memory"), strikes);
    EXPECT_EQ(died.verdict.kind, at == 1 ? VerdictKind::crash : VerdictKind::pass)
        << died.verdict.text;
    if (at != 1) continue;
    Replayer replay(died.choices);
    EXPECT_EQ(run(program("die_without_memory"), replay).trace_hash, died.trace_hash);
  }
  fault::arm({});
}

// --- forked worlds

class Drawn final : public Chooser {
 public:
  explicit Drawn(std::uint64_t seed) : seed_(seed) {}
  void begin() override { random_ = Random(seed_); }
  std::uint32_t choose(const Question& question) override {
    return random_.below(question.answers);
  }

 private:
  std::uint64_t seed_;
  Random random_;
};

TEST(Forked, ComesToTheSame) {
  RunOptions options;
  options.record_trace = true;
  for (const char* name : {"use_before_free", "use_after_free", "leak", "held_by_a_thread"}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      Drawn drawn(seed);
      const RunResult here = run(program(name), drawn, options);
      const RunResult there = run_forked(program(name), drawn, options);
      EXPECT_EQ(here.verdict.kind, there.verdict.kind) << name;
      EXPECT_EQ(here.verdict.text, there.verdict.text) << name;
      EXPECT_EQ(here.trace_hash, there.trace_hash) << name;
      EXPECT_EQ(here.behaviour, there.behaviour) << name;
      EXPECT_EQ(here.trace.size(), there.trace.size()) << name;
      ASSERT_EQ(here.choices.size(), there.choices.size()) << name;
      for (std::size_t i = 0; i < here.choices.size(); ++i) {
        EXPECT_EQ(here.choices[i].key, there.choices[i].key);
        EXPECT_EQ(here.choices[i].value, there.choices[i].value);
        EXPECT_EQ(here.choices[i].object, there.choices[i].object);
      }
    }
  }
}

// What code under test computes from a thread's id, as std::barrier does, is the same everywhere.
TEST(Forked, ThreadsHaveTheirIdsInEveryProcess) {
  const auto note_self = [](const char* whose) {
    const auto self = static_cast<std::uintptr_t>(pthread_self());
    constexpr std::uintptr_t stride = memory::control_block_stride;
    EXPECT_EQ((self - memory::control_blocks_address) / stride, thread_index());
    note(whose, static_cast<std::int64_t>(self));
  };
  const std::function<void()> body = [&] {
    const UnderTestScope scope;
    note_self("first");
    std::thread([&] { note_self("second"); }).join();
  };
  Dull chooser;
  const RunResult here = run(body, chooser);
  EXPECT_TRUE(here.verdict.passed()) << here.verdict.text;
  EXPECT_EQ(here.trace_hash, run_forked(body, chooser).trace_hash);
}

TEST(Forked, EachRunStartsFromTheSameState) {
  int runs = 0;
  Dull chooser;
  const auto count = [&runs] { ++runs; };
  for (int i = 0; i < 3; ++i) {
    run_forked(count, chooser, {}, [&runs](RunResult& result) {
      result.verdict = {VerdictKind::rule_broken, "R1", std::to_string(runs)};
    });
    EXPECT_EQ(runs, 0);
  }
  const RunResult judged = run_forked(count, chooser, {}, [&runs](RunResult& result) {
    result.verdict = {VerdictKind::rule_broken, "R1", std::to_string(runs)};
  });
  EXPECT_EQ(judged.verdict.text, "1");
  EXPECT_EQ(judged.verdict.rule, "R1");
}

TEST(Forked, WhatKillsTheChildIsACrash) {
  Drawn drawn(3);
  const auto die = [] {
    program("use_before_free")();
    kill(getpid(), SIGKILL);
  };
  const RunResult result = run_forked(die, drawn);
  EXPECT_EQ(result.verdict.kind, VerdictKind::crash);
  EXPECT_NE(result.verdict.text.find("killed by signal 9"), std::string::npos)
      << result.verdict.text;
  EXPECT_EQ(result.choices.size(), run(program("use_before_free"), drawn).choices.size());
  EXPECT_THROW(run_forked([] {}, drawn, {}, [](RunResult&) { throw BadInput("bad"); }), BadInput);
}

}  // namespace
}  // namespace aiosim
