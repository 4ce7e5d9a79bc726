// The entry of the module: all scenarios.
#include "scenario.h"

extern "C" __attribute__((visibility("default"))) aiosim::threads::Scenarios threads_scenarios(
    int topic) {
  using namespace aiosim::threads;
  static constexpr Scenarios (*topics[])() = {mutexes, conditions, rwlocks,   counters,
                                              waits,   lives,      exceptions, machine};
  if (topic >= static_cast<int>(std::size(topics))) return {nullptr, 0};
  return topics[topic]();
}
