// An open file description, and the interest that epoll instances have in it.
#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <boost/intrusive/list.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "kernel/io.h"
#include "memory/memory.h"

namespace aiosim::kernel {

class Epoll;
class File;
class State;

/// One entry of an epoll instance's interest list; Linux: epitem. Named by (file, fd).
struct Watch {
  using Hook = boost::intrusive::list_member_hook<>;

  Epoll* epoll = nullptr;
  File* file = nullptr;
  int fd = -1;
  std::uint64_t age = 0;  // later ones have more
  epoll_event event{};
  memory::Message registered;  // epoll_ctl -> the epoll_wait that reports it
  Hook on_epoll;               // the interest list
  Hook on_file;                // who is told when the file's readiness changes
  Hook on_ready;               // the ready list, while it may be ready
};

template <Watch::Hook Watch::*hook>
using WatchList =
    boost::intrusive::list<Watch, boost::intrusive::member_hook<Watch, Watch::Hook, hook>,
                           boost::intrusive::constant_time_size<false>>;

/// Lives until the run ends; `references` says whether the description is open.
class File {
 public:
  File(State& state, int open_flags) : flags(open_flags), state_(state) {}
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  struct Messages {
    memory::Message readable;  // what a reader acquires
    memory::Message writable;  // what a writer acquires that had to wait for room
  };

  /// EPOLL* bits that hold now. `scan`: as the kernel's poll method, which may forget stale entries
  /// of a ready list; predicates of blocked threads look without touching anything.
  virtual std::uint32_t readiness(bool scan) = 0;

  /// Moves what can be moved now: bytes, or -EAGAIN if the caller has to wait, or another error.
  virtual ssize_t read(Io& io);
  virtual ssize_t write(Io& io);
  /// Would read / write return something else than -EAGAIN?
  virtual bool can_read() { return true; }
  virtual bool can_write(const Io&) { return true; }

  /// Calls visit for what code under test left here to be handed back to it.
  virtual void each_held(const std::function<void(const void*, std::size_t)>&) const {}

  /// Are there such calls at all? (A vector of no bytes is refused only if there are not.)
  virtual bool reads() const { return true; }
  virtual bool writes() const { return true; }

  /// The last reference went away.
  virtual void closed() {}

  /// Does epoll take it? (Linux: file_can_poll.)
  virtual bool pollable() const { return true; }

  /// Does a blocking write go on until everything is written?
  virtual bool is_stream() const { return false; }
  /// Do writes that need not wait only add up, so that nobody could tell their order by the file?
  virtual bool only_adds() const { return false; }
  /// FIONREAD: bytes, or -errno.
  virtual int unread() { return -ENOTTY; }
  /// The edges of happens-before to this object; the ends of a pipe share theirs.
  virtual Messages& messages() { return messages_; }
  /// The edges from it: what a write here releases and a reader acquires, and the other way round.
  virtual memory::Message& to_reader() { return messages().readable; }
  virtual memory::Message& to_writer() { return messages().writable; }

  /// The caller learnt that `mask` holds: what was written before happened before.
  virtual void acquire_readiness(std::uint32_t mask);

  /// Tells the epoll instances: `mask` may hold now (Linux: wake_up_poll). Of those that watch
  /// with EPOLLEXCLUSIVE only the first with a sleeper is told.
  void wake(std::uint32_t mask);
  /// Tells all of them that anything may hold now (Linux: wake_up_all).
  void wake_all();

  int flags;           // access mode, O_NONBLOCK, O_APPEND
  int references = 0;  // fd numbers, and calls that are under way
  WatchList<&Watch::on_file> watchers;

 protected:
  State& state_;

 private:
  Messages messages_;
};

}  // namespace aiosim::kernel
