#include "scenario.h"

namespace properties {

Scenario every_request_is_done_once() {
  Scenario out;
  out.name = "every_request_is_done_once";
  out.sentence =
      "Each request of a thread pool works in one of its threads unless it was taken back, and is "
      "done once in a poll of its home, nested ones included.";
  out.rules = {"R93", "R43", "R98", "S14.1", "S14.5", "S14.6"};
  out.needs = offers_thread_pool | offers_nested_poll;
  out.recipe.subject = Subject::thread_pool;
  out.recipe.options = {{Verb::max_pool_threads, {1, 2, 2, 3}, 2},
                        {Verb::idle_ms, {0, 1, 10'000}, 10'000},
                        {Verb::poll_max_ns, {0, 0, 20'000}},
                        {Verb::callback_calls, {1, 2, 2}, 2}};
  out.recipe.actors = {{Role::home,
                        1,
                        1,
                        8,
                        {{Verb::submit, 8},
                         {Verb::cancel_request, 2},
                         {Verb::wait_request, 2},
                         {Verb::poll, 2},
                         {Verb::poll_blocking, 2},
                         {Verb::advance, 2},
                         {Verb::renew_pool, 1}}},
                       {Role::work, 1, 3, 2, {{Verb::advance, 1}}},
                       {Role::done,
                        0,
                        3,
                        3,
                        {{Verb::wait_request, 3},
                         {Verb::submit, 2},
                         {Verb::cancel_request, 1},
                         {Verb::poll, 1},
                         {Verb::poll_blocking, 1}}}};
  out.parts = make_pool_run;
  out.runtime = {.deadlock = "R93",
                 .livelock = "R93",
                 .data_race = "R93",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
