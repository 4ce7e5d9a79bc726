// Programs of plain C++ threads, compiled with the hooks into a module of their own: each uses one
// primitive rightly, or wrongly in one way.
#pragma once

#include <cassert>
#include <cstddef>
#include <thread>
#include <utility>

namespace aiosim::threads {

struct Scenario {
  const char* name;
  void (*body)();
  const char* verdict = "pass";  // the phrase for what some run must come to; all others pass
  const char* text = "";         // a part of that verdict's text
  const char* also = "pass";     // what else a run may come to
};

struct Scenarios {
  const Scenario* first;
  std::size_t count;
};

Scenarios mutexes();
Scenarios conditions();
Scenarios rwlocks();
Scenarios counters();  // semaphores, latches, barriers
Scenarios waits();     // spin locks, atomic waits, once, statics
Scenarios lives();     // threads: how they start, end, and what belongs to each
Scenarios exceptions();
Scenarios machine();   // what is asked of the machine and of libc besides

template <class First, class Second>
void two_threads(First first, Second second) {
  std::thread one(std::move(first));
  std::thread two(std::move(second));
  one.join();
  two.join();
}

template <class Body>
void two_of(Body body) {
  two_threads(body, body);
}

}  // namespace aiosim::threads
