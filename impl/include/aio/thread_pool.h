// ThreadPool: blocking work in threads of its own, completed in a context (R93).
//
//   home thread     submit(), cancel(), construction, destruction
//   pool threads    the work
//
// State of one request:
//
//     queued --a thread takes it--> active --work returned--> completed --> done() called, freed
//     queued --cancel()-----------------------------------> completed
//
// Invariants
//   1. `done` is called once for every request, in the home thread, in the order of completion.
//   2. The result is written before the request is pushed on `completed_`, which the home thread
//      takes with acquire.
//   3. While a `done` runs, the completing bottom half is scheduled whenever requests are left: a
//      nested poll goes on with them, so that a callback may wait for another request (BUGS C-1).
//   4. A pool thread says that it ends under the lock, as its last touch of the pool: the
//      destructor waits for that and nothing else (BUGS C-6).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "aio/context.h"
#include "aio/handover.h"
#include "aio/intrusive_list.h"

namespace aio {

struct ThreadPoolOptions {
  unsigned max_threads = 64;                       ///< at least 1
  std::chrono::milliseconds idle_for{10'000};      ///< a thread without work for so long ends
};

class ThreadPool {
 public:
  /// Runs in a pool thread; the result is its own business, usually 0 or -errno. Must not throw.
  using Work = int (*)(void* opaque);
  /// Runs in the home thread with the work's result, or -ECANCELED.
  using Done = void (*)(void* opaque, int result);

  class Request;

  /// No thread is started yet. `context` must outlive the pool. Throws std::bad_alloc.
  explicit ThreadPool(Context& context, const ThreadPoolOptions& options = {});

  /// Aborts if a request is outstanding. Waits for the pool's threads. Not within a `done`.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Queues `work`; a thread is started if all are busy and there may be more. The request is valid
  /// until its `done` is called. Home thread. Throws std::bad_alloc, and std::system_error if the
  /// pool has no thread and cannot start one; nothing is queued then.
  Request& submit(Work work, Done done, void* opaque);

  /// Takes back a request that no thread has begun: its `done` gets -ECANCELED in a later poll.
  /// False, with nothing changed, if it was begun. Home thread.
  bool cancel(Request& request);

  /// Requests whose `done` has not been called. Home thread.
  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }

 private:
  void run_thread();
  Request* next_request();
  void start_thread_if_needed();
  void complete(Request& request);
  void call_completed();

  Context& context_;
  const ThreadPoolOptions options_;
  BottomHalfHandle bh_;
  Handover<Request> completed_;
  std::size_t outstanding_ = 0;  // home thread

  std::mutex mutex_;  // of everything below
  IntrusiveList<Request> queue_;
  std::size_t queued_ = 0;  // on queue_
  unsigned threads_ = 0;
  unsigned idle_ = 0;
  bool stopping_ = false;
  std::condition_variable work_to_do_;
  std::condition_variable thread_ended_;
};

}  // namespace aio
