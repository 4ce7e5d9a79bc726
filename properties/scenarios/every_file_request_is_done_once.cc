#include "scenario.h"

namespace properties {

Scenario every_file_request_is_done_once() {
  Scenario out;
  out.name = "every_file_request_is_done_once";
  out.sentence =
      "Each request of Linux AIO, held back, refused for want of room or not, moves what it was "
      "asked to and is done once in a poll of its home, nested ones included.";
  out.rules = {"R94", "R43", "R98", "S14.1", "S14.5", "S14.6"};
  out.needs = offers_linux_aio | offers_nested_poll;
  out.recipe.subject = Subject::linux_aio;
  out.recipe.options = {{Verb::ring_requests, {1, 2, 3, 5, 64}, 2},
                        {Verb::by_call, {0, 0, 0, 1}, 0},
                        {Verb::poll_max_ns, {0, 0, 20'000}},
                        {Verb::callback_calls, {1, 2, 2}, 2}};
  out.recipe.actors = {{Role::home,
                        1,
                        1,
                        8,
                        {{Verb::submit, 8},
                         {Verb::plug, 2},
                         {Verb::unplug, 2},
                         {Verb::cancel_request, 1},
                         {Verb::cancel_all, 1},
                         {Verb::submit_many, 1},
                         {Verb::submit_bad, 1},
                         {Verb::wait_request, 2},
                         {Verb::poll, 2},
                         {Verb::poll_blocking, 2},
                         {Verb::advance, 1},
                         {Verb::renew_engine, 1}}},
                       {Role::done,
                        1,
                        3,
                        3,
                        {{Verb::wait_request, 3},
                         {Verb::submit, 2},
                         {Verb::plug, 1},
                         {Verb::unplug, 1},
                         {Verb::cancel_request, 1},
                         {Verb::submit_bad, 1},
                         {Verb::poll, 1},
                         {Verb::poll_blocking, 1}}}};
  out.parts = make_aio_run;
  out.runtime = {.deadlock = "R94",
                 .livelock = "R94",
                 .data_race = "R94",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
