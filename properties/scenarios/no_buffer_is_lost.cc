#include "scenario.h"

namespace properties {

Scenario no_buffer_is_lost() {
  Scenario out;
  out.name = "no_buffer_is_lost";
  out.sentence =
      "Every buffer that a driver publishes and kicks for comes back and is told of, polled or "
      "not, wherever the queue is detached and attached again.";
  out.rules = {"R96", "R60", "R66", "R75", "D7", "S14.1", "S14.5", "S14.6", "S14.10"};
  out.needs = offers_virtqueue | offers_pollable_handlers | offers_busy_polling | offers_oneshot |
              offers_nested_poll;
  out.recipe.subject = Subject::virtqueue;
  out.recipe.options = {{Verb::queue_bits, {0, 1, 1, 2}, 1},
                        {Verb::poll_max_ns, {0, 1'000, 20'000, 20'000}},
                        {Verb::without_polling, {0, 0, 0, 1}},
                        {Verb::callback_calls, {1, 2, 2}, 2}};
  out.recipe.actors = {
      {Role::home,
       1,
       1,
       8,
       {{Verb::attach, 3}, {Verb::detach, 2}, {Verb::poll, 2}, {Verb::poll_blocking, 4}}},
      {Role::guest,
       1,
       1,
       8,
       {{Verb::add_buffer, 6},
        {Verb::kick, 3},
        {Verb::wait_used, 3},
        {Verb::take_used, 1},
        {Verb::suppress_calls, 1},
        {Verb::advance, 2}}},
      {Role::queue,
       0,
       1,
       2,
       {{Verb::defer, 2}, {Verb::detach, 1}, {Verb::attach, 1}, {Verb::poll, 1}}}};
  out.parts = make_queue_run;
  out.runtime = {.deadlock = "R96",
                 .livelock = "R96",
                 .data_race = "R96",
                 .lifetime = "S14.5",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
