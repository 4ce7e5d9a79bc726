#include "scenario.h"

namespace properties {

Scenario coroutines_run_once_and_in_order() {
  Scenario out;
  out.name = "coroutines_run_once_and_in_order";
  out.sentence =
      "A coroutine that is woken is entered once, in the thread of the loop that it was sent to, "
      "first come first served; inside another it waits until that one yields.";
  out.rules = {"R85", "R87", "R88", "R43", "R103", "S14.1", "S14.5", "S14.6"};
  out.needs = offers_coroutines | offers_loop_threads | offers_oneshot | offers_nested_poll;
  out.recipe.subject = Subject::coroutines;
  out.recipe.options = {{Verb::loop_threads, {0, 1, 1, 2}}, {Verb::poll_max_ns, {0, 0, 20'000}}};
  const std::vector<Recipe::Weight> wakes = {
      {Verb::spawn, 3}, {Verb::schedule_coroutine, 4}, {Verb::enter_coroutine, 3}};
  std::vector<Recipe::Weight> home = wakes;
  home[0].weight = 8;
  home.insert(home.end(), {{Verb::poll, 3}, {Verb::poll_blocking, 3}});
  std::vector<Recipe::Weight> coroutine = wakes;
  coroutine.insert(coroutine.end(), {{Verb::yield, 5}, {Verb::move_to, 4}, {Verb::poll, 1}});
  out.recipe.actors = {{Role::home, 1, 1, 10, home},
                       {Role::producer, 0, 2, 4, wakes},
                       {Role::coroutine, 2, 4, 5, coroutine}};
  out.parts = make_coroutine_run;
  out.runtime = {.deadlock = "R85",
                 .livelock = "R85",
                 .data_race = "R85",
                 .lifetime = "R85",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
