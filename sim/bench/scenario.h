// The programs that the engine is measured with: three threads that work on three atomics.
#pragma once

struct BenchScenario {
  void (*run)(int rounds);  // each thread does `rounds` times four atomic operations
};
