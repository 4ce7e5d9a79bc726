// What the simulated kernel's objects and calls share. Internal to sim/kernel.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aiosim/choice.h"
#include "fault/points.h"
#include "kernel/fd_table.h"
#include "kernel/file.h"
#include "kernel/futex.h"
#include "kernel/io_uring.h"
#include "kernel/kernel.h"
#include "kernel/linux_aio.h"
#include "kernel/signals.h"
#include "kernel/socket.h"
#include "kernel/timerfd.h"
#include "memory/vector_clock.h"
#include "runtime/world.h"

namespace aiosim::kernel {

inline runtime::Object fd_object(int fd) {
  if (fd < 0) return {};
  return {runtime::ObjectType::fd, static_cast<std::uint32_t>(fd)};
}

constexpr runtime::Object the_kernel{runtime::ObjectType::kernel, 0};

class State {
 public:
  explicit State(runtime::World& w)
      : world(w), futexes(w), timers(*this), signals(*this), aio(*this) {}
  ~State() { reset(); }

  void reset();
  void random_bytes(void* buffer, std::size_t size);

  /// A scheduling point; afterwards timers that are due have fired.
  void enter(const char* call, runtime::Object object, const void* pc) {
    // Whatever a call changes, another may see; what time alone changes, the clock's owner may.
    world.point(call, object, pc, {runtime::World::id_of(the_kernel), true});
    if (timers.next_ns() >= 0) world.touch({runtime::ObjectType::clock, 0}, false);
    timers.advance();
    for (IoUring* ring : rings) ring->run_all_work();
  }

  /// The call's line in the trace, the probe of a harness that watches system calls, and signals.
  template <typename Result>
  Result leave(const char* call, int fd, Result result, const void* pc, std::int64_t figure = 0) {
    finish(call, fd, result, figure, pc);
    for (IoUring* ring : rings) {
      ring->run_work();
      ring->tell_owners();
    }
    signals.leave(result);
    return result;
  }

  template <typename F, typename... Arguments>
  F& make(Arguments&&... arguments) {
    auto file = std::make_unique<F>(*this, std::forward<Arguments>(arguments)...);
    F& made = *file;
    files_.push_back(std::move(file));
    return made;
  }
  /// Null if `fd` is not open. The host's fds end the run: a world cannot know what they do.
  File* file(int fd) const;
  /// Puts a new description at the lowest free number; gives it up again if there is none.
  int install(File& file, bool close_on_exec);

  void each_open(const std::function<void(const File&)>& visit) const {
    for (const auto& file : files_) {
      if (file->references > 0) visit(*file);
    }
  }

  void pin(File& file) { ++file.references; }
  /// Gives up one reference; the last one closes the description.
  void drop(File& file);

  Watch& new_watch();
  std::uint64_t youngest_watch = 0;
  void free_watch(Watch& watch) { free_watches_.push_back(&watch); }

  /// Blocks until `ready(data)`: 0; -ETIMEDOUT; or -EINTR if a signal came or the fault point
  /// `interruption` struck on the way in.
  int wait(const char* call, runtime::Object object, std::int64_t deadline_ns,
           fault::PointId interruption, bool (*ready)(void*), void* data);
  /// The same without a fault point.
  int wait_for_signal(const char* call, runtime::Object object, std::int64_t deadline_ns,
                      bool (*ready)(void*), void* data);

  std::uint32_t thread() const { return world.self().id; }
  /// Whose view of signals counts: the thread whose wait is looked at, else the current one.
  std::uint32_t viewer() const { return viewer_ != nobody ? viewer_ : thread(); }
  void release(memory::Message& message) { world.memory.release(thread(), message); }
  void acquire(const memory::Message& message) { world.memory.acquire(thread(), message); }

  runtime::World& world;
  FdTable fds;
  std::string closed_twice;  // in words; the first
  SocketNames names;
  Futexes futexes;
  Timers timers;
  Signals signals;
  /// Descriptions that a thread's poll waits on; kept here since a stack may be abandoned.
  std::array<std::vector<File*>, memory::max_threads> polled;
  /// Open, in the order in which they were made.
  std::vector<IoUring*> rings;
  RingMemory ring_memory;
  AioContexts aio;

 private:
  static constexpr std::uint32_t nobody = ~0u;
  struct View;
  static bool look(void* view);
  int block(const runtime::Wait& wait);
  void finish(const char* call, int fd, std::int64_t result, std::int64_t figure, const void* pc);

  std::uint32_t viewer_ = nobody;
  Random random_;  // of getrandom: the same bytes in every run
  std::vector<std::unique_ptr<File>> files_;
  std::deque<Watch> watches_;
  std::size_t watches_used_ = 0;
  std::vector<Watch*> free_watches_;
};

/// now + timeout, or -1 for a timeout < 0 (none); saturates.
std::int64_t deadline_after(std::int64_t now_ns, std::int64_t timeout_ns);

/// What read and write do on any open description (fd_calls.cc); 0 to 2 segments or more.
ssize_t read_from(State& k, File& file, int fd, Io& io, const char* call, const void* pc);
ssize_t write_to(State& k, File& file, int fd, Io& io, const char* call, const void* pc);

/// Does the fault point strike that makes a transfer short? Then `io` moves less.
void shorten(State& k, fault::PointId point, const File& file, Io& io);

}  // namespace aiosim::kernel
