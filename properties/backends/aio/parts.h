// Thread pool, coroutines, virtqueue, threads and Linux AIO of our library behind the interface of
// parts.h.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <new>
#include <system_error>

#include "aio/coroutine.h"
#include "aio/io_thread.h"
#include "aio/linux_aio.h"
#include "aio/lock_count.h"
#include "aio/thread_pool.h"
#include "aio/virtqueue.h"
#include "loop.h"
#include "properties/parts.h"

namespace {

inline aio::Context& context_of(properties::Loop* loop) {
  return static_cast<ContextLoop*>(loop)->context();
}

/// What `make` makes, null with errno set if the system refuses.
template <typename Make>
auto made_or_null(const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::system_error& error) {
    errno = error.code().value();
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  }
  return nullptr;
}

// ---- thread pool ----

class AioPool final : public properties::Pool {
 public:
  AioPool(properties::Loop* loop, unsigned max_threads, std::int64_t idle_ms)
      : pool_(context_of(loop), {max_threads, std::chrono::milliseconds(idle_ms)}) {}

  properties::Request* submit(const properties::RequestCallbacks& callbacks,
                              void* opaque) override {
    return made_or_null([&] {
      return reinterpret_cast<properties::Request*>(
          &pool_.submit(callbacks.work, callbacks.done, opaque));
    });
  }
  bool cancel(properties::Request* request) override {
    return pool_.cancel(*reinterpret_cast<aio::ThreadPool::Request*>(request));
  }

 private:
  aio::ThreadPool pool_;
};

inline properties::Pool* make_pool(properties::Loop* loop, unsigned max_threads,
                                   std::int64_t idle_ms) {
  return new AioPool(loop, max_threads, idle_ms);
}

// ---- coroutines ----

inline properties::CoroutineHandle* handle_of_current() {
  return reinterpret_cast<properties::CoroutineHandle*>(&aio::Coroutine::current());
}
inline aio::Coroutine& of(properties::CoroutineHandle* handle) {
  return *reinterpret_cast<aio::Coroutine*>(handle);
}

/// One step, in a task of its own: what is awaited ends in the thread that it has come to.
inline aio::Task<std::uint64_t> take_step(properties::Step step, std::uint64_t count) {
  using Kind = properties::Step::Kind;
  if (step.kind == Kind::yield) co_await aio::yield();
  if (step.kind == Kind::move) co_await aio::move_to(context_of(step.target));
  co_return count + 1;
}

inline aio::Task<> follow(properties::Script script) {
  std::uint64_t steps = 0;  // in the frame: whoever enters must see what was there before
  for (;;) {
    const properties::Step step = script.next(script.opaque, handle_of_current());
    if (step.kind == properties::Step::Kind::end) co_return;
    steps = co_await take_step(step, steps);
  }
}

inline void spawn(properties::Loop* loop, const properties::Script& script) {
  aio::spawn(context_of(loop), follow(script));
}
inline void schedule(properties::Loop* loop, properties::CoroutineHandle* coroutine) {
  aio::schedule(context_of(loop), of(coroutine));
}
inline void enter(properties::Loop* loop, properties::CoroutineHandle* coroutine) {
  aio::enter(context_of(loop), of(coroutine));
}

inline bool is_in(properties::Loop* loop, properties::CoroutineHandle* coroutine) {
  return &of(coroutine).context() == &context_of(loop);
}

// ---- virtqueue ----

class AioQueue final : public properties::Queue {
 public:
  AioQueue(properties::Loop* loop, std::uint16_t size)
      : context_(context_of(loop)), ring_(size), device_(ring_), driver_(ring_) {}

  void attach(properties::Callback handle, void* opaque, bool polling) override {
    using Polling = aio::Virtqueue::Polling;
    device_.attach(context_, handle, opaque, polling ? Polling::yes : Polling::no);
  }
  void detach() override { device_.detach(); }
  bool pop(Buffer& out) override {
    const auto element = device_.pop();
    if (element) out = {element->id, element->buffer.data};
    return element.has_value();
  }
  void push(std::uint32_t id, std::uint32_t written) override { device_.push(id, written); }
  void notify_driver() override { device_.notify_driver(); }

  bool add(void* data, std::uint32_t& id) override {
    const auto added = driver_.add(data, sizeof(std::uint64_t));
    if (added) id = *added;
    return added.has_value();
  }
  bool kick() override { return driver_.kick(); }
  bool take_used(Used& out) override {
    const auto used = driver_.take_used();
    if (used) out = {used->id, used->written};
    return used.has_value();
  }
  void suppress_calls() override { driver_.suppress_calls(); }
  void allow_calls() override { driver_.allow_calls(); }
  int call_fd() override { return ring_.call.fd(); }
  void clear_call() override { ring_.call.test_and_clear(); }

 private:
  aio::Context& context_;
  aio::VirtqueueRing ring_;
  aio::Virtqueue device_;
  aio::VirtqueueDriver driver_;
};

inline properties::Queue* make_queue(properties::Loop* loop, std::uint16_t size) {
  return made_or_null([&]() -> properties::Queue* { return new AioQueue(loop, size); });
}

// ---- a thread with a loop ----

class AioLoopThread final : public properties::LoopThread {
 public:
  explicit AioLoopThread(const properties::LoopOptions& options)
      : thread_(context_options(options)), loop_(thread_.context()) {}

  properties::Loop* loop() override { return &loop_; }
  void stop() override { thread_.stop(); }

 private:
  aio::IoThread thread_;
  ContextLoop loop_;
};

inline properties::LoopThread* make_thread(const properties::LoopOptions& options) {
  return made_or_null([&]() -> properties::LoopThread* { return new AioLoopThread(options); });
}

// ---- Linux AIO ----

class AioFileEngine final : public properties::FileEngine {
 public:
  AioFileEngine(properties::Loop* loop, unsigned max_requests, bool by_call)
      : engine_(context_of(loop), {.max_requests = max_requests, .map_ring = !by_call}) {}

  properties::FileRequest* begin(const properties::FileOperation& what,
                                 void (*done)(void* opaque, std::int64_t result),
                                 void* opaque) override {
    using Kind = properties::FileOperation::Kind;
    auto* one = new One{what, done, opaque};
    const iovec& first = one->what.segments[0];
    const bool vector = one->what.segments[1].iov_len != 0;
    if (what.kind == Kind::sync) {
      engine_.fdatasync(one->request, what.fd);
    } else if (what.kind == Kind::read && vector) {
      engine_.readv(one->request, what.fd, one->what.segments, 2, what.offset);
    } else if (what.kind == Kind::read) {
      engine_.read(one->request, what.fd, first.iov_base, first.iov_len, what.offset);
    } else if (vector) {
      engine_.writev(one->request, what.fd, one->what.segments, 2, what.offset);
    } else {
      engine_.write(one->request, what.fd, first.iov_base, first.iov_len, what.offset);
    }
    return reinterpret_cast<properties::FileRequest*>(one);
  }
  bool cancel(properties::FileRequest* request) override {
    return engine_.cancel(reinterpret_cast<One*>(request)->request);
  }
  void plug() override { engine_.plug(); }
  void unplug() override { engine_.unplug(); }
  bool holds_back() override { return engine_.queued() > 0 && !engine_.blocked(); }

 private:
  struct One {
    properties::FileOperation what;
    void (*done)(void* opaque, std::int64_t result);
    void* opaque;
    aio::LinuxAioRequest request{on_done, this};

    static void on_done(void* self, std::int64_t result) {
      const auto* one = static_cast<One*>(self);
      const auto done_by = one->done;
      void* const its_opaque = one->opaque;
      delete one;
      done_by(its_opaque, result);
    }
  };

  aio::LinuxAio engine_;
};

inline properties::FileEngine* make_file_engine(properties::Loop* loop, unsigned max_requests,
                                                bool by_call) {
  return made_or_null(
      [&]() -> properties::FileEngine* { return new AioFileEngine(loop, max_requests, by_call); });
}
// ---- lock count ----

class AioGuarded final : public properties::Guarded {
 public:
  explicit AioGuarded(std::uint64_t value) : current_(new Node{value, nullptr}) {}
  ~AioGuarded() override {
    collect();
    delete current_.load(std::memory_order_relaxed);
  }

  void enter() override { count_.inc(); }
  std::uint64_t look() override { return current_.load(std::memory_order_acquire)->value; }

  void leave(Leave how) override {
    if (how == Leave::plainly) return count_.dec();
    if (how == Leave::if_alone ? count_.dec_if_lock() : count_.dec_and_lock()) {
      collect();
      count_.unlock();
    } else if (how == Leave::if_alone) {
      count_.dec();
    }
  }

  void replace(std::uint64_t value) override {
    Node* fresh = new Node{value, nullptr};
    const std::lock_guard guard(count_);
    Node* old = current_.load(std::memory_order_relaxed);
    current_.store(fresh, std::memory_order_release);
    old->next_replaced = replaced_nodes_;
    replaced_nodes_ = old;
    ++replaced_;
    if (count_.visits() == 0) collect();
  }

  std::uint64_t replaced() override {
    const std::lock_guard guard(count_);
    return replaced_;
  }
  std::uint32_t visits() override { return count_.visits(); }

 private:
  struct Node {
    const std::uint64_t value;
    Node* next_replaced;
  };

  /// With the lock and nobody visiting.
  void collect() {
    while (Node* node = replaced_nodes_) {
      replaced_nodes_ = node->next_replaced;
      delete node;
    }
  }

  aio::LockCount count_;
  std::atomic<Node*> current_;
  Node* replaced_nodes_ = nullptr;  // under the lock, as is the next line
  std::uint64_t replaced_ = 0;
};

inline properties::Guarded* make_guarded(std::uint64_t value) { return new AioGuarded(value); }

// ---- words ----

inline void publish(std::uint64_t* word, std::uint64_t value) {
  std::atomic_ref(*word).store(value, std::memory_order_release);
}
inline bool claim(std::uint64_t* word, std::uint64_t expected, std::uint64_t desired) {
  return std::atomic_ref(*word).compare_exchange_strong(
      expected, desired, std::memory_order_acq_rel, std::memory_order_acquire);
}

constexpr properties::Parts parts = {
    make_pool,
    {spawn, schedule, enter, is_in},
    make_queue,
    make_thread,
    make_file_engine,
    make_guarded,
    [](std::uint64_t* word, std::uint64_t value) { *word = value; },
    [](const std::uint64_t* word) { return *word; },
    publish,
    claim,
};

}  // namespace
