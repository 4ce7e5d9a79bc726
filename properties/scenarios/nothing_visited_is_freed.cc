#include "scenario.h"

namespace properties {

Scenario nothing_visited_is_freed() {
  Scenario out;
  out.name = "nothing_visited_is_freed";
  out.sentence =
      "What a lock count guards is freed only when nobody visits it, its changes exclude each "
      "other, nobody waits in vain, and in the end no visit is left.";
  out.rules = {"R73", "R74", "S14.5", "S14.6", "S14.7"};
  out.needs = offers_lock_count;
  out.recipe.subject = Subject::lock_count;
  const std::vector<Recipe::Weight> ops = {{Verb::visit, 4},
                                           {Verb::visit_and_collect, 3},
                                           {Verb::visit_and_lock, 2},
                                           {Verb::visit_twice, 1},
                                           {Verb::replace, 4}};
  out.recipe.actors = {{Role::home, 1, 1, 4, ops}, {Role::producer, 1, 3, 4, ops}};
  out.parts = make_lock_count_run;
  out.runtime = {.deadlock = "R73",
                 .livelock = "R73",
                 .data_race = "R73",
                 .lifetime = "R73",
                 .crash = "S14.6"};
  return out;
}

}  // namespace properties
