// IoThread: a thread that polls a context of its own (R103).
//
//   any thread      context() and what a context offers any thread; post()
//   its owner       construction, stop(), destruction: not in the thread itself
//
// State:   running --stop()--> draining --> stopped
//
// Invariants
//   1. The context is polled by that thread alone, from start to stop.
//   2. The flag that ends the loop belongs to the thread: stop() asks by a bottom half, so that no
//      poll can overlook it.
#pragma once

#include <thread>

#include "aio/context.h"

namespace aio {

class IoThread {
 public:
  /// Starts the thread; it is called `name` (15 characters of it) in the system's lists. Throws
  /// std::system_error if the context or the thread cannot be made.
  explicit IoThread(const ContextOptions& options = {}, const char* name = "aio");

  /// stop(), then the context goes: aborts if somebody scheduled a bottom half after stop().
  ~IoThread();

  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] Context& context() { return context_; }

  /// Lets the thread finish what is ready (polls until nothing makes progress) and joins it; from
  /// then on the caller's thread is the context's home. Once is enough. Throws std::bad_alloc.
  void stop();

 private:
  void run();

  Context context_;
  bool running_ = true;  // its thread only
  std::thread thread_;   // last: everything it uses is there when it starts
};

}  // namespace aio
