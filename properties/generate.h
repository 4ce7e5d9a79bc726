// Programs drawn and shrunk by RapidCheck.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "program.h"

namespace properties {

/// What a scenario's programs are made of. A drawn program switches a random part of it off
/// altogether, which finds more than an even mix.
struct Recipe {
  struct Weight {
    Verb verb;
    int weight;
  };
  std::vector<Weight> home;      // operations of the home thread
  std::vector<Weight> producer;  // of producers
  std::vector<Weight> callback;  // of callbacks
  int least_producers = 0;
  int most_producers = max_producers;
  int bhs = 0;  // how many of each there may be
  int fds = 0;
  int timers = 0;
  int oneshots = 0;
  int own = 0;                // io_uring requests
  bool pollable = false;      // handlers may be pollable
  bool write = false;         // handlers may have write callbacks
  std::vector<Verb> at_once;  // arm, add_fd, signal, timeout_request: what some do to all at one go
  std::vector<std::int64_t> poll_max_ns = {0};
  bool far_timers = false;  // some are armed for a time that overflows an int of ms, or of s
  bool adaptive = false;  // growth and shrinking are drawn too
  std::vector<std::int64_t> delays_ns = {1'000, 20'000, 300'000, 5'000'000};

  /// Of programs about something else than the loop: what they are about, the values that options
  /// may have (all of them drawn), and how many parts of each role there are.
  Subject subject = Subject::loop;
  struct Option {
    Verb verb;
    std::vector<std::int64_t> values;
    std::int64_t left_out = 0;  // is said by no option at all
  };
  struct Actors {
    Role role;
    int least;
    int most;
    int most_ops;
    std::vector<Weight> ops;
  };
  std::vector<Option> options;
  std::vector<Actors> actors;
};

/// A program from `seed` alone; `size` is 1 to 100.
Case generate(const Recipe& recipe, std::uint64_t seed, int size);

/// Offers ever smaller programs to `keep`, going on from those that it keeps.
void shrink(const Case& program, const std::function<bool(const Case&)>& keep);

}  // namespace properties
