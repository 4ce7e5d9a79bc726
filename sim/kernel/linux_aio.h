// Linux AIO (io_submit(2)): contexts with a ring of events in user memory, and what is in flight.
//
// The ring is real memory, as io_uring's: code under test reads events and moves the head. The
// kernel writes an event as a plain access and moves the tail by a read-modify-write that releases;
// it acquires the head before it writes a slot again. So whoever reads an event without having
// acquired the tail, or gives a slot back before it has read it, has a data race with the kernel.
//
// A request completes in io_submit, as reads and writes of memory files do on Linux, or later, by
// the kernel's own thread, when it gets to run: a choice, with the time that it takes at least. The
// buffers are accessed then. Which of those that are due comes first is a choice, too.
#pragma once

#include <linux/aio_abi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernel/io.h"
#include "memory/memory.h"

namespace aiosim::kernel {

class EventFd;
class File;
class MemFd;
class State;

class AioContext {
 public:
  /// `entries`: of the ring, one of which stays empty. `memory`: bytes(entries) of it.
  AioContext(State& state, char* memory, unsigned number, unsigned entries, unsigned promised);

  static std::size_t bytes(unsigned entries);

  std::uint64_t id() const { return reinterpret_cast<std::uintptr_t>(memory_); }
  unsigned number() const { return number_; }
  unsigned entries() const { return entries_; }
  unsigned promised() const { return promised_; }

  /// Begins what `block` asks for: 0 or -errno.
  int submit(iocb& block, const void* pc);
  /// Moves up to `most` events to the caller: how many.
  long take(long most, io_event* to, const void* pc);
  unsigned unseen() const;

  /// When the next of those in flight is due; -1 if there is none.
  std::int64_t next_due_ns() const;
  /// Completes one of those that are due.
  void complete_one();

  /// io_destroy: what is in flight goes on, but nobody hears of it but by its eventfd.
  void die() { dead_ = true; }
  bool dead() const { return dead_; }
  bool idle() const { return in_flight_.empty(); }
  void unmap(const void* pc);

  void each_held(const std::function<void(const void*, std::size_t)>& visit) const;

 private:
  struct Request {
    iocb block;
    io_event answer;  // but for its result
    MemFd* file;      // pinned
    EventFd* told;    // pinned; null: nobody
    std::vector<iovec> segments;
    const void* pc;
    std::int64_t due_ns;
    memory::Message submitted;
  };

  bool room() const;
  int start(const iocb& block, std::uint64_t user_block, const void* pc);
  int check_transfer(const iocb& block, Request& request) const;
  int check_sync(const iocb& block) const;
  void begin(Request request);
  void finish(Request& request);
  std::int64_t perform(Request& request);
  void post(const io_event& event, const void* pc);
  unsigned* word(std::size_t index) const { return reinterpret_cast<unsigned*>(memory_) + index; }
  io_event* slot(unsigned index) const;
  void acquire_head();
  void move(unsigned* word, unsigned to, const void* pc);

  State& state_;
  char* const memory_;
  const unsigned number_;
  const unsigned entries_;
  const unsigned promised_;
  bool dead_ = false;
  std::vector<Request> in_flight_;  // in the order submitted
  memory::Message posted_;          // Linux: the completion lock
};

/// All of a world's, and the thread that completes requests.
class AioContexts {
 public:
  explicit AioContexts(State& state) : state_(state) {}
  void reset();

  /// 0 and the context, or -errno.
  int set_up(unsigned most, AioContext*& made, const void* pc);
  AioContext* find(std::uint64_t id) const;
  /// Waits for what is in flight.
  void destroy(AioContext& context, const void* pc);
  void each_held(const std::function<void(const void*, std::size_t)>& visit) const;

 private:
  static void* run_thread(void* self);
  static bool goes_on(void* self);
  [[noreturn]] void run();
  std::int64_t next_due_ns() const;
  void start_thread();
  unsigned promised() const;
  unsigned free_number() const;

  State& state_;
  bool started_ = false;
  std::int64_t awaited_ns_ = -1;  // when the thread looks again
  std::vector<std::unique_ptr<AioContext>> contexts_;
};

}  // namespace aiosim::kernel
