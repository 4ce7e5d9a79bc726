// The interface of a backend: a small abstract event loop. A backend is a module (.so) that
// exports one `extern "C" const properties::BackendModule aiosim_backend`.
//
// Adapters are compiled with the loop, instrumented; they hold no state of their own beyond what
// the loop needs, and never call into the harness except through the callbacks handed to them.
// Only plain data crosses the boundary. Threads: "home" is the thread that created the loop. A loop
// may have threads of its own; they end before its destructor returns.
//
// What a bottom half, fd or timer callback does may be anything below, home's polls included. Any
// of them may come before the object's own callback has returned.
#pragma once

#include <cstdint>

namespace properties {

inline constexpr std::uint32_t backend_abi = 7;

/// What a backend claims; a rule that needs more shows as "not offered".
enum Offers : std::uint32_t {
  offers_bottom_halves = 1u << 0,
  offers_idle_bh = 1u << 1,
  offers_cancel = 1u << 2,
  offers_oneshot = 1u << 3,
  offers_nested_poll = 1u << 4,
  offers_fd_handlers = 1u << 5,
  offers_pollable_handlers = 1u << 6,  // poll / poll_ready / begin / end callbacks (R54, R68, D7)
  offers_busy_polling = 1u << 7,       // poll_max_ns and its trace events
  offers_timers = 1u << 8,
  offers_progress_value = 1u << 9,     // poll() returns R48's value
  offers_slice_order_lifo = 1u << 10,  // D1; without it oldest first is expected
  offers_exact_timeout = 1u << 11,     // ns, not ms, resolution of waits
  offers_wait_kick = 1u << 12,         // wait_while / kick
  // No write to any fd of the loop's own while it runs or polls (R36, R40): which one is its event
  // fd is not known. True of a loop that has none.
  offers_quiet_notify = 1u << 13,
  offers_polling_beside_fds = 1u << 14,  // R58 excused: busy polling beside unpollable handlers
  offers_adaptive_polling = 1u << 15,    // R64, R65: set_poll_max and PollingEvents of kind time
  offers_one_write_a_sleep = 1u << 16,   // [ours] of the event fd, however many notify (R36)
  offers_poll_hooks = 1u << 17,          // set_poll_hooks (R72)
  offers_closed_fds = 1u << 18,          // [ours] bears fds closed before their handlers go (R81)
  offers_ring_requests = 1u << 19,       // R84b
  offers_hold_timers = 1u << 20,         // R92
  offers_idle_removal = 1u << 21,        // R63: polling beside fds, and silent sources leave it
  offers_thread_pool = 1u << 22,         // the following: BackendModule::parts, see parts.h
  offers_coroutines = 1u << 23,
  offers_virtqueue = 1u << 24,
  offers_loop_threads = 1u << 25,
  offers_linux_aio = 1u << 26,
  offers_lock_count = 1u << 27,
  offers_reentrancy_guard = 1u << 28,     // R23: in_bottom_half
  offers_handlers_to_the_end = 1u << 29,  // [ours] destroyed with handlers set, removes them (R98)
};

using Callback = void (*)(void* opaque);
using PollCallback = bool (*)(void* opaque);

/// A handler with poll and poll_ready is pollable. Between begin and end its source may keep
/// silent: only poll finds what came, and after end it is asked once more, or that is lost (R66).
/// So it is where the handler goes (D7): home ends it before the call that takes it away returns,
/// for another thread's call a later poll does; what is found then is the successor's, if there is
/// one. A finding is not dropped for a write callback of the same fd.
struct FdCallbacks {
  Callback read = nullptr;
  Callback write = nullptr;
  PollCallback poll = nullptr;  // only tests (R60)
  Callback poll_ready = nullptr;
  Callback begin = nullptr;  // io_poll_begin
  Callback end = nullptr;    // io_poll_end
};

/// Opaque handles, owned by the loop.
struct Bh;
struct Timer;

/// An io_uring operation of the user's own.
struct RingOperation {
  enum class Kind : std::uint8_t {
    nop,      // 0, at once
    timeout,  // -ETIME after `ns`
    poll,     // the events of `fd`, once it is readable; -EBADF, at once, if it is not open
  } kind = Kind::nop;
  int fd = -1;
  std::int64_t ns = 0;
};
/// Owned by the user.
struct RingHandle;
using RingCallback = void (*)(void* opaque, int result);

/// What a loop says of its busy polling (R54 to R66).
struct PollingEvent {
  enum class Kind : std::uint8_t { begin, end, time } kind = Kind::begin;
  /// begin: how long it polls at most; end: how long it polled; time: how long the handler of `fd`,
  /// which has just been dispatched, is worth from now on.
  std::int64_t ns = 0;
  std::int64_t timeout_ns = 0;  // begin: how long the poll may take in all, -1: for ever
  int fd = -1;                  // time
  std::int64_t was_ns = 0;      // time: before
  std::int64_t block_ns = 0;    // time: from the poll's beginning to the end of its wait
};

struct LoopOptions {
  std::int64_t poll_max_ns = 0;
  /// In the home thread; may be null.
  void (*polling)(void* opaque, const PollingEvent& event) = nullptr;
  void* opaque = nullptr;
  std::int64_t poll_grow = 0;    // R64
  std::int64_t poll_shrink = 0;  // R64
};

class Loop {
 public:
  virtual ~Loop() = default;  // home thread (R98)

  // Home thread.
  virtual bool poll(bool blocking) = 0;            // R46-R53
  virtual void set_poll_max(std::int64_t ns) = 0;  // R64: handlers' times begin anew
  // Any thread. A mere notify() may end a blocking poll, which then returns false (R48).
  virtual void notify() = 0;  // R36
  virtual Bh* new_bh(Callback callback, void* opaque) = 0;
  virtual void schedule(Bh* bh) = 0;
  virtual void schedule_idle(Bh* bh) = 0;
  virtual void schedule_oneshot(Callback callback, void* opaque) = 0;
  virtual void cancel(Bh* bh) = 0;
  virtual void delete_bh(Bh* bh) = 0;
  virtual void set_fd_handler(int fd, const FdCallbacks& callbacks, void* opaque) = 0;  // R70, R72
  virtual void remove_fd_handler(int fd) = 0;
  /// Other io_poll_begin and io_poll_end for the handler of `fd`; nothing if it has none (R72). As
  /// if another handler with the same callbacks and opaque replaced it.
  virtual void set_poll_hooks(int fd, Callback begin, Callback end) = 0;
  virtual Timer* new_timer(Callback callback, void* opaque) = 0;       // monotonic clock
  virtual void arm_timer(Timer* timer, std::int64_t deadline_ns) = 0;  // absolute
  virtual void disarm_timer(Timer* timer) = 0;
  virtual void free_timer(Timer* timer) = 0;  // home thread
  /// No timer is called until it is taken back (R92).
  virtual void hold_timers(bool hold) = 0;
  // wait_while: home thread; polls while condition(opaque) is true (R100). kick: any thread (R101).
  virtual void wait_while(PollCallback condition, void* opaque) = 0;
  virtual void kick() = 0;
  // R84b; those who do not offer it make none. Any thread, but one at a time.
  virtual RingHandle* new_request(const RingOperation&, RingCallback, void* /*opaque*/) {
    return nullptr;
  }
  virtual bool add_request(RingHandle*) { return false; }  // false: the loop has no ring
  /// Home thread: as the guard says that all its bottom halves share (R23); one-shots may.
  virtual bool in_bottom_half() { return false; }
};

struct Parts;  // parts.h

struct BackendModule {
  std::uint32_t abi;  // backend_abi
  const char* name;   // "reference-epoll"
  std::uint32_t offers;
  /// Creates a loop whose home thread is the caller. Null with errno set if the kernel refuses.
  Loop* (*create)(const LoopOptions& options);
  /// A word that a producer writes before it schedules and a callback reads: relaxed atomics,
  /// compiled with the loop, so that the memory model decides what is visible (S14.4).
  void (*payload_store)(std::uint64_t* word, std::uint64_t value);
  std::uint64_t (*payload_load)(const std::uint64_t* word);
  /// The loop has global state that bringing back the module's own does not cover (a library's):
  /// each world runs in a child process.
  bool forked = false;
  const Parts* parts = nullptr;
  /// Of one that has completed, or whose loop has gone (R84b). Home thread, or whose add_request()
  /// failed.
  void (*free_request)(RingHandle* request) = nullptr;
};

}  // namespace properties
