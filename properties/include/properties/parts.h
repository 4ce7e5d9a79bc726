// What stands on a loop: thread pool, coroutines, virtqueue, threads with a loop of their own. A
// module that offers them points to one Parts from its BackendModule.
//
// As in backend.h: compiled with the loop, instrumented; plain data crosses the boundary; the
// harness is called back through what it handed over.
#pragma once

#include <sys/uio.h>

#include <cstdint>

#include "properties/backend.h"

namespace properties {

// ---- thread pool (R93): home thread of its loop, but for `work` ----

struct Request;

struct RequestCallbacks {
  int (*work)(void* opaque);               // in a thread of the pool
  void (*done)(void* opaque, int result);  // in the home thread
};

class Pool {
 public:
  virtual ~Pool() = default;
  /// Null with errno set if no thread can be started.
  virtual Request* submit(const RequestCallbacks& callbacks, void* opaque) = 0;
  virtual bool cancel(Request* request) = 0;
};

// ---- Linux AIO (R94): home thread of its loop ----

struct FileRequest;

struct FileOperation {
  enum class Kind : std::uint8_t { read, write, sync } kind;
  int fd;
  iovec segments[2];  // the second may be empty; both are the caller's until `done`
  std::int64_t offset;
};

class FileEngine {
 public:
  virtual ~FileEngine() = default;  // with nothing outstanding
  /// `done` in the home thread; the handle is valid until then.
  virtual FileRequest* begin(const FileOperation& operation,
                             void (*done)(void* opaque, std::int64_t result), void* opaque) = 0;
  virtual bool cancel(FileRequest* request) = 0;
  virtual void plug() = 0;
  virtual void unplug() = 0;
  /// There are requests that the kernel has not been given, nor has it refused to take more.
  virtual bool holds_back() = 0;
};

// ---- coroutines (R85 to R88) ----

struct CoroutineHandle;

/// How a coroutine goes on: it yields, goes on in the thread of another loop, or ends.
struct Step {
  enum class Kind : std::uint8_t { yield, move, end };
  Kind kind = Kind::end;
  Loop* target = nullptr;  // of a move
};

/// What a coroutine does: asked again each time that it was entered.
struct Script {
  Step (*next)(void* opaque, CoroutineHandle* self) = nullptr;
  void* opaque = nullptr;
};

struct Coroutines {
  /// Any thread.
  void (*spawn)(Loop* loop, const Script& script);
  void (*schedule)(Loop* loop, CoroutineHandle* coroutine);
  void (*enter)(Loop* loop, CoroutineHandle* coroutine);
  /// Whether the coroutine, which runs, takes `loop` for the one that it runs in.
  bool (*is_in)(Loop* loop, CoroutineHandle* coroutine);
};

// ---- virtqueue (R96) ----

/// The device's end: home thread of the loop. The driver's: one other thread.
class Queue {
 public:
  struct Buffer {
    std::uint32_t id = 0;
    void* data = nullptr;
  };
  struct Used {
    std::uint32_t id = 0;
    std::uint32_t written = 0;
  };

  virtual ~Queue() = default;  // home thread; the driver has finished

  virtual void attach(Callback handle, void* opaque, bool polling) = 0;
  virtual void detach() = 0;
  virtual bool pop(Buffer& out) = 0;
  virtual void push(std::uint32_t id, std::uint32_t written) = 0;
  virtual void notify_driver() = 0;

  /// The buffer's id; false if all are with the device.
  virtual bool add(void* data, std::uint32_t& id) = 0;
  virtual bool kick() = 0;  // false: the device did not want to be told
  virtual bool take_used(Used& out) = 0;
  virtual void suppress_calls() = 0;
  virtual void allow_calls() = 0;
  virtual int call_fd() = 0;  // readable when the device has told of used buffers
  virtual void clear_call() = 0;
};

// ---- a thread that polls a loop of its own (R103): its owner's thread ----

class LoopThread {
 public:
  virtual ~LoopThread() = default;
  virtual Loop* loop() = 0;
  virtual void stop() = 0;
};

// ---- lock count (R73, R74): any thread ----

/// A value that threads look at within visits and replace under the lock; a replaced one is freed
/// at once if nobody visits, else by a visit that turns out to be the only one.
class Guarded {
 public:
  enum class Leave : std::uint8_t { plainly, if_alone, in_any_case };  // dec, dec_if, dec_and_lock

  virtual ~Guarded() = default;  // nobody else uses it
  virtual void enter() = 0;
  virtual std::uint64_t look() = 0;  // within a visit
  virtual void leave(Leave how) = 0;
  virtual void replace(std::uint64_t value) = 0;
  virtual std::uint64_t replaced() = 0;  // how often, counted under the lock alone
  virtual std::uint32_t visits() = 0;
};

struct Parts {
  Pool* (*make_pool)(Loop* loop, unsigned max_threads, std::int64_t idle_ms);
  Coroutines coroutines;
  Queue* (*make_queue)(Loop* loop, std::uint16_t size);    // null with errno set
  LoopThread* (*make_thread)(const LoopOptions& options);  // null with errno set

  /// max_requests: of the kernel's at once. Null with errno set.
  FileEngine* (*make_file_engine)(Loop* loop, unsigned max_requests, bool by_call);
  Guarded* (*make_guarded)(std::uint64_t value);

  /// Plain accesses to a word of the program: a data race with others is a failure of the parts.
  void (*store)(std::uint64_t* word, std::uint64_t value);
  std::uint64_t (*load)(const std::uint64_t* word);
  /// A word that says who may go on: store with release; compare and exchange with acquire.
  void (*publish)(std::uint64_t* word, std::uint64_t value);
  bool (*claim)(std::uint64_t* word, std::uint64_t expected, std::uint64_t desired);
};

}  // namespace properties
