#include "scenario.h"

namespace properties {

Scenario loop_threads_finish_their_jobs() {
  Scenario out;
  out.name = "loop_threads_finish_their_jobs";
  out.sentence =
      "A thread with a loop runs every job posted to it, ends its waits when kicked, and has "
      "finished all of it when it stops.";
  out.rules = {"R103", "R6", "R22", "R97", "R98", "R100", "R101", "S14.1", "S14.5", "S14.6"};
  out.needs = offers_loop_threads | offers_oneshot | offers_wait_kick | offers_nested_poll;
  out.recipe.subject = Subject::loop_threads;
  out.recipe.options = {{Verb::loop_threads, {1, 1, 2}},
                        {Verb::poll_max_ns, {0, 0, 20'000}},
                        {Verb::loop_fds, {0, 0, 1}},
                        {Verb::callback_calls, {1, 2, 2}, 2}};
  out.recipe.actors = {
      {Role::home,
       1,
       1,
       7,
       {{Verb::post, 6},
        {Verb::stop_loop, 3},
        {Verb::start_loop, 3},
        {Verb::wait_flag, 2},
        {Verb::poll, 2},
        {Verb::poll_blocking, 1}}},
      {Role::producer, 0, 2, 4, {{Verb::post, 4}, {Verb::set_flag, 3}, {Verb::advance, 1}}},
      {Role::job, 1, 3, 3, {{Verb::post, 3}, {Verb::wait_flag, 3}, {Verb::poll, 1}}}};
  out.parts = make_loop_threads_run;
  out.runtime = {.deadlock = "R103",
                 .livelock = "R103",
                 .data_race = "R103",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
