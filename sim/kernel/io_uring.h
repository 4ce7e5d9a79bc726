// io_uring(7): a ring, what was asked through it, and what completed.
//
// The rings' memory is real: code under test fills in entries and moves heads with liburing's
// inline functions. The kernel moves the completion queue's tail by read-modify-writes that
// release, so that a load which acquires it is ordered after whatever made each of the completions,
// and may read an older tail as long as nothing orders it. What else the kernel writes, only the
// ring's own thread reads.
//
// Work (Linux: task work). An event at an fd only marks a poll request; its completion is posted by
// the thread that asked, when it next enters the kernel, or at once if an interrupt makes it: a
// choice. Readiness is looked at then, not at the event.
#pragma once

#include <deque>
#include <vector>

#include "kernel/file.h"

struct io_uring;
struct io_uring_cqe;
struct io_uring_params;
struct io_uring_sqe;

namespace aiosim::kernel {

class TimerFd;

/// The memory of rings, Linux AIO's too: at an address that is the same in every process, and never
/// given twice in a run, so that what was mapped stays known as such.
class RingMemory {
 public:
  void reset() { used_ = 0; }
  /// Null if there is no more.
  char* take(std::size_t bytes);

 private:
  char* base_ = nullptr;
  std::size_t used_ = 0;
};

class IoUring final : public File {
 public:
  IoUring(State& state, unsigned sq_entries, unsigned cq_entries);

  std::uint32_t readiness(bool scan) override;
  void closed() override;
  int unread() override { return -EINVAL; }
  bool reads() const override { return false; }
  bool writes() const override { return false; }
  void each_held(const std::function<void(const void*, std::size_t)>& visit) const override;

  /// Bytes of the rings and entries.
  static std::size_t bytes(unsigned sq_entries, unsigned cq_entries);
  /// Where they lie: the same place in every run.
  void map(char* memory);
  void describe(io_uring& ring, int fd, unsigned setup_flags) const;
  void unmap(const void* pc);

  /// Takes up to `count` entries; how many, or -errno if none.
  int submit(unsigned count, const void* pc);

  /// The current thread enters the kernel, or wakes there: it posts what its requests have come to.
  void run_all_work();
  /// The same but for what was deferred.
  void run_work();
  /// After a call of the current thread: requests of others that have something to post now.
  void tell_owners();
  void flush_overflow();
  /// The thread that asked has ended: nobody is left to look at readiness.
  void orphan(std::uint32_t thread);

  struct Waiting {
    const IoUring* ring;
    unsigned wanted;
    std::int64_t timeouts;
  };
  Waiting waiting(unsigned wanted) const { return {this, wanted, timeouts_}; }
  /// Is io_uring_enter's wait over? (Linux: also when any TIMEOUT has completed.)
  bool enough(const Waiting& waiting) const;
  /// A predicate: it is, or its thread has work to do.
  static bool goes_on(void* waiting);
  unsigned unseen() const;  // completions in the queue

  memory::Message& posted() { return messages().readable; }

 private:
  struct Request {
    enum class Kind { poll, timeout, cancelled_poll } kind;
    std::uint64_t user_data;
    std::uint32_t owner;             // thread
    File* file;                      // pinned; of a timeout: its timer, which is nobody else's
    std::uint32_t mask = 0;          // of a poll
    std::int64_t after = INT64_MAX;  // of a timeout: completes at that sequence()
    bool deferred = false;           // its owner posts it at its next entry
    bool fired = false;              // of a timeout: completions have taken it along
    bool orphaned = false;           // its owner has ended: anybody posts that it is cancelled
  };
  struct Completion {
    std::uint64_t user_data;
    std::int32_t result;
  };

  bool issue(const io_uring_sqe& entry, const void* pc);
  void poll_add(const io_uring_sqe& entry);
  void poll_remove(const io_uring_sqe& entry);
  bool timeout(const io_uring_sqe& entry, const void* pc);
  Request* find_poll(std::uint64_t user_data);

  /// What it would complete with now; 0: nothing.
  std::int32_t outcome(const Request& request) const;
  static bool is_of(const Request& request, std::uint32_t thread);
  bool is_due(const Request& request) const;
  bool can_complete(const Request& request) const;
  bool is_work(const Request& request, std::uint32_t thread) const;
  void defer_due();
  bool has_work(std::uint32_t thread) const;
  bool complete_one(std::uint32_t thread);
  void complete(std::size_t index, std::int32_t result);
  void answer(std::uint64_t user_data, std::int32_t result) {
    answers_.push_back({user_data, result});
  }
  void post(std::uint64_t user_data, std::int32_t result);
  void write(const Completion& completion);
  /// What timeouts count, as Linux does: what waits for room in the queue counts only once there,
  /// a timeout's own completion not at all.
  std::int64_t sequence() const { return written_ - timeouts_; }

  unsigned sq_entries_;
  unsigned cq_entries_;
  char* memory_ = nullptr;
  std::vector<Request> requests_;    // in the order asked
  std::vector<Completion> answers_;  // of the submission under way
  std::deque<Completion> overflow_;
  std::int64_t written_ = 0;   // completions that got into the queue
  std::int64_t timeouts_ = 0;  // that have fired
};

}  // namespace aiosim::kernel
