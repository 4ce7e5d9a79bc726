#include "aio/thread_pool.h"

#include <cerrno>
#include <system_error>
#include <thread>

#include "check.h"

namespace aio {

class ThreadPool::Request : public HandoverLink<ThreadPool::Request> {
 public:
  Request(Work w, Done d, void* o) : work(w), done(d), opaque(o) {}

  const Work work;
  const Done done;
  void* const opaque;
  int result = 0;
  ListHook<Request> queue_hook{this};  // linked while queued; under the pool's lock
};

ThreadPool::ThreadPool(Context& context, const ThreadPoolOptions& options)
    : context_(context),
      options_(options),
      bh_(context.make_bh([](void* self) { static_cast<ThreadPool*>(self)->call_completed(); },
                          this, "ThreadPool")) {
  AIO_CHECK(options.max_threads > 0);
}

ThreadPool::~ThreadPool() {
  AIO_CHECK(outstanding_ == 0);
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_to_do_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_ == 0; });
}

// ---- home thread ----

ThreadPool::Request& ThreadPool::submit(Work work, Done done, void* opaque) {
  auto request = std::make_unique<Request>(work, done, opaque);
  const std::lock_guard lock(mutex_);
  start_thread_if_needed();
  queue_.push_back(request->queue_hook);
  ++queued_;
  ++outstanding_;
  work_to_do_.notify_one();
  return *request.release();
}

/// Under the lock. A thread that was told of a request still counts as idle, and the request as
/// queued, until it takes it. Too few threads is no error while there is one that will come to it.
void ThreadPool::start_thread_if_needed() {
  if (idle_ > queued_ || threads_ == options_.max_threads) return;
  try {
    std::thread([this] { run_thread(); }).detach();
    ++threads_;
  } catch (const std::system_error&) {
    if (threads_ == 0) throw;
  }
}

bool ThreadPool::cancel(Request& request) {
  {
    const std::lock_guard lock(mutex_);
    if (!request.queue_hook.linked()) return false;
    request.queue_hook.unlink();
    --queued_;
  }
  request.result = -ECANCELED;
  complete(request);
  return true;
}

/// The bottom half is scheduled before each callback and cancelled after it; what came before the
/// cancellation is looked at after it, so none is lost.
void ThreadPool::call_completed() {
  while (Request* request = completed_.pop()) {
    const std::unique_ptr<Request> owner(request);
    --outstanding_;
    bh_->schedule();
    request->done(request->opaque, request->result);
    bh_->cancel();
  }
}

// ---- pool threads ----

void ThreadPool::complete(Request& request) {
  completed_.push(request);
  bh_->schedule();
}

/// Waits for work; null when the thread should end, which it has said then (invariant 4).
ThreadPool::Request* ThreadPool::next_request() {
  std::unique_lock lock(mutex_);
  ++idle_;
  work_to_do_.wait_for(lock, options_.idle_for, [this] { return stopping_ || !queue_.empty(); });
  --idle_;
  if (Request* request = queue_.pop_front()) {
    --queued_;
    return request;
  }
  --threads_;
  thread_ended_.notify_one();  // under the lock: unlocked, the pool may be gone
  return nullptr;
}

void ThreadPool::run_thread() {
  while (Request* request = next_request()) {
    request->result = request->work(request->opaque);
    complete(*request);
  }
}

}  // namespace aio
