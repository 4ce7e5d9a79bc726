#include "kernel/io_uring.h"

#include <liburing.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "kernel/state.h"
#include "kernel/timerfd.h"
#include "runtime/live_frames.h"

namespace aiosim::kernel {
namespace {

// Where the words that both sides use lie, from the start of the rings' memory.
enum Word : std::size_t {
  sq_head,
  sq_tail,
  sq_mask,
  sq_size,
  sq_flags,
  sq_dropped,
  cq_head,
  cq_tail,
  cq_mask,
  cq_size,
  cq_flags,
  cq_overflow,
  word_count
};
constexpr std::size_t word_stride = 8;
constexpr std::size_t header_bytes = 128;
static_assert(word_count * word_stride <= header_bytes);

unsigned* word(char* memory, Word which) {
  return reinterpret_cast<unsigned*>(memory + which * word_stride);
}

std::size_t array_bytes(unsigned sq_entries) {
  return (sq_entries * sizeof(unsigned) + 15) & ~15UL;
}

io_uring_cqe* cqes(char* memory, unsigned sq_entries) {
  return reinterpret_cast<io_uring_cqe*>(memory + header_bytes + array_bytes(sq_entries));
}

io_uring_sqe* sqes(char* memory, unsigned sq_entries, unsigned cq_entries) {
  return reinterpret_cast<io_uring_sqe*>(memory + header_bytes + array_bytes(sq_entries) +
                                         cq_entries * sizeof(io_uring_cqe));
}

constexpr int release = 3;  // as in the ABI of the hooks

std::string no_such(const char* what, unsigned value) {
  return "io_uring " + std::string(what) + " " + std::to_string(value) + " is not simulated";
}

}  // namespace

IoUring::IoUring(State& state, unsigned sq_entries, unsigned cq_entries)
    : File(state, 0), sq_entries_(sq_entries), cq_entries_(cq_entries) {}

std::size_t IoUring::bytes(unsigned sq_entries, unsigned cq_entries) {
  return header_bytes + array_bytes(sq_entries) + cq_entries * sizeof(io_uring_cqe) +
         sq_entries * sizeof(io_uring_sqe);
}

void IoUring::map(char* memory) {
  memory_ = memory;
  std::memset(memory, 0, bytes(sq_entries_, cq_entries_));
  *word(memory, sq_mask) = sq_entries_ - 1;
  *word(memory, sq_size) = sq_entries_;
  *word(memory, cq_mask) = cq_entries_ - 1;
  *word(memory, cq_size) = cq_entries_;
}

void IoUring::describe(io_uring& ring, int fd, unsigned setup_flags) const {
  ring = {};
  ring.sq.khead = word(memory_, sq_head);
  ring.sq.ktail = word(memory_, sq_tail);
  ring.sq.kring_mask = word(memory_, sq_mask);
  ring.sq.kring_entries = word(memory_, sq_size);
  ring.sq.kflags = word(memory_, sq_flags);
  ring.sq.kdropped = word(memory_, sq_dropped);
  ring.sq.array = reinterpret_cast<unsigned*>(memory_ + header_bytes);
  for (unsigned i = 0; i < sq_entries_; ++i) ring.sq.array[i] = i;
  ring.sq.sqes = sqes(memory_, sq_entries_, cq_entries_);
  ring.sq.ring_mask = sq_entries_ - 1;
  ring.sq.ring_entries = sq_entries_;
  ring.cq.khead = word(memory_, cq_head);
  ring.cq.ktail = word(memory_, cq_tail);
  ring.cq.kring_mask = word(memory_, cq_mask);
  ring.cq.kring_entries = word(memory_, cq_size);
  ring.cq.kflags = word(memory_, cq_flags);
  ring.cq.koverflow = word(memory_, cq_overflow);
  ring.cq.cqes = cqes(memory_, sq_entries_);
  ring.cq.ring_mask = cq_entries_ - 1;
  ring.cq.ring_entries = cq_entries_;
  ring.sq.ring_ptr = ring.cq.ring_ptr = memory_;
  ring.sq.ring_sz = ring.cq.ring_sz = bytes(sq_entries_, cq_entries_);
  ring.flags = setup_flags;
  ring.ring_fd = ring.enter_ring_fd = fd;
  ring.features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                  IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | IORING_FEAT_EXT_ARG;
}

/// Whoever looks at the rings from now on would fault.
void IoUring::unmap(const void* pc) {
  state_.world.memory.discarded(state_.thread(), memory_, bytes(sq_entries_, cq_entries_), pc);
}

std::uint32_t IoUring::readiness(bool) {
  state_.timers.advance();
  bool work = !overflow_.empty() || unseen() != 0;
  for (const Request& request : requests_) work = work || can_complete(request);
  return (work ? EPOLLIN | EPOLLRDNORM : 0u) | EPOLLOUT | EPOLLWRNORM;
}

void IoUring::each_held(const std::function<void(const void*, std::size_t)>& visit) const {
  for (const Request& request : requests_) visit(&request.user_data, sizeof request.user_data);
}

void IoUring::closed() {
  std::erase(state_.rings, this);
  for (const Request& request : requests_) state_.drop(*request.file);
  requests_.clear();
}

// ---- work ----

bool IoUring::is_of(const Request& request, std::uint32_t thread) {
  return request.owner == thread || request.orphaned;
}

std::int32_t IoUring::outcome(const Request& request) const {
  if (request.kind == Request::Kind::cancelled_poll) return -ECANCELED;
  const std::uint32_t mask = request.file->readiness(false) & request.mask;
  if (request.kind == Request::Kind::timeout) return mask != 0 ? -ETIME : 0;
  if (mask != 0 && request.orphaned) return -ECANCELED;
  return static_cast<std::int32_t>(mask);
}

/// A timeout that completions have taken along.
bool IoUring::is_due(const Request& request) const { return request.fired; }

bool IoUring::can_complete(const Request& request) const {
  return is_due(request) || outcome(request) != 0;
}

bool IoUring::has_work(std::uint32_t thread) const {
  for (const Request& request : requests_) {
    if (is_of(request, thread) && can_complete(request)) return true;
  }
  return false;
}

bool IoUring::is_work(const Request& request, std::uint32_t thread) const {
  return is_of(request, thread) && !request.deferred && can_complete(request);
}

/// A timeout that completions have taken along is work of its own: it may come after the return to
/// those who waited for them.
void IoUring::defer_due() {
  const std::int64_t now = sequence();  // of all that came together
  for (Request& request : requests_) {
    if (request.fired || now < request.after) continue;
    request.fired = true;
    ++timeouts_;
    request.deferred = state_.world.choose(Kind::poll_order, 2, "the timeout completes later") != 0;
  }
}

/// Posts one of those of `thread` that have something to post; which: a choice.
bool IoUring::complete_one(std::uint32_t thread) {
  std::uint32_t candidates = 0;
  for (const Request& request : requests_) {
    if (is_work(request, thread)) ++candidates;
  }
  if (candidates == 0) return false;
  std::uint32_t pick = state_.world.choose(Kind::poll_order, candidates, "which completes first");
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const Request& request = requests_[i];
    if (!is_work(request, thread) || pick-- != 0) continue;
    complete(i, is_due(request) ? 0 : outcome(request));
    break;
  }
  return true;
}

void IoUring::complete(std::size_t index, std::int32_t result) {
  const Request request = requests_[index];
  requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(index));
  const bool timeout = request.kind == Request::Kind::timeout;
  if (!timeout && result > 0) {
    request.file->acquire_readiness(static_cast<std::uint32_t>(result));
  }
  state_.drop(*request.file);
  if (timeout && !request.fired) ++timeouts_;
  post(request.user_data, result);
  defer_due();
}

void IoUring::run_all_work() {
  for (Request& request : requests_) {
    if (is_of(request, state_.thread())) request.deferred = false;
  }
  run_work();
}

void IoUring::run_work() {
  while (complete_one(state_.thread())) {
  }
}

/// An interrupt may make another thread do its work at once, or it does it when it comes here.
void IoUring::tell_owners() {
  for (std::size_t i = 0; i < requests_.size();) {
    Request& request = requests_[i];
    if (is_of(request, state_.thread()) || request.deferred || !can_complete(request)) {
      ++i;
      continue;
    }
    request.deferred = state_.world.choose(Kind::poll_order, 2, "completion is posted later") != 0;
    if (request.deferred) {
      ++i;
    } else {
      complete(i, is_due(request) ? 0 : outcome(request));
    }
  }
}

void IoUring::orphan(std::uint32_t thread) {
  for (Request& request : requests_) {
    if (request.owner == thread) request.orphaned = true;
  }
}

// ---- completions ----

unsigned IoUring::unseen() const { return *word(memory_, cq_tail) - *word(memory_, cq_head); }

bool IoUring::enough(const Waiting& waiting) const {
  return unseen() >= waiting.wanted || timeouts_ != waiting.timeouts;
}

bool IoUring::goes_on(void* data) {
  const auto& waiting = *static_cast<const Waiting*>(data);
  const IoUring& ring = *waiting.ring;
  return ring.enough(waiting) || ring.has_work(ring.state_.viewer());
}

void IoUring::post(std::uint64_t user_data, std::int32_t result) {
  const Completion completion{user_data, result};
  if (overflow_.empty() && unseen() < cq_entries_) {
    write(completion);
  } else {
    overflow_.push_back(completion);  // in order: nothing overtakes what waits for room
    *word(memory_, sq_flags) |= IORING_SQ_CQ_OVERFLOW;
  }
  wake(EPOLLIN);
}

void IoUring::write(const Completion& completion) {
  unsigned* tail = word(memory_, cq_tail);
  io_uring_cqe& entry = cqes(memory_, sq_entries_)[*tail & (cq_entries_ - 1)];
  entry.user_data = completion.user_data;
  entry.res = completion.result;
  entry.flags = 0;
  ++written_;
  runtime::World& world = state_.world;
  world.touch({runtime::ObjectType::atomic, world.memory.object_of(tail, sizeof *tail)}, true);
  world.memory.rmw(state_.thread(), tail, sizeof *tail, memory::Rmw::add, 1, release, nullptr);
  state_.release(posted());  // after it: who enters the kernel next sees it
}

void IoUring::flush_overflow() {
  while (!overflow_.empty() && unseen() < cq_entries_) {
    write(overflow_.front());
    overflow_.pop_front();
  }
  if (overflow_.empty()) *word(memory_, sq_flags) &= ~IORING_SQ_CQ_OVERFLOW;
  defer_due();
}

// ---- submission ----

int IoUring::submit(unsigned count, const void* pc) {
  if (count > 0 && fault::strikes(fault::PointId::io_uring_submit_ebusy)) return -EBUSY;
  unsigned* head = word(memory_, sq_head);
  unsigned taken = 0;
  bool going = true;
  bool refused = false;
  while (going && taken < count && *head != *word(memory_, sq_tail)) {
    refused = fault::strikes(fault::PointId::io_uring_submit_eagain);
    if (refused) break;
    const io_uring_sqe entry = sqes(memory_, sq_entries_, cq_entries_)[*head & (sq_entries_ - 1)];
    ++*head;
    ++taken;
    going = issue(entry, pc);
  }
  // Together, so that what completes at once counts for every timeout among them.
  for (const Completion& answer : answers_) post(answer.user_data, answer.result);
  answers_.clear();
  defer_due();
  return refused && taken == 0 ? -EAGAIN : static_cast<int>(taken);
}

/// False: the entry makes no sense, and those behind it are not looked at.
bool IoUring::issue(const io_uring_sqe& entry, const void* pc) {
  const auto unsimulated = [&](const char* what, unsigned value) {
    state_.world.fail(VerdictKind::crash, no_such(what, value));
  };
  if (entry.flags != 0) unsimulated("entry flags", entry.flags);
  switch (entry.opcode) {
    case IORING_OP_NOP:
      answer(entry.user_data, 0);
      return true;
    case IORING_OP_POLL_ADD:
      if (entry.len != 0) unsimulated("POLL_ADD flags", entry.len);
      poll_add(entry);
      return true;
    case IORING_OP_POLL_REMOVE:
      if (entry.len != 0) unsimulated("POLL_REMOVE flags", entry.len);
      poll_remove(entry);
      return true;
    case IORING_OP_TIMEOUT:
      if ((entry.timeout_flags & ~IORING_TIMEOUT_ABS) != 0) {
        unsimulated("TIMEOUT flags", entry.timeout_flags);
      }
      return timeout(entry, pc);
    default:
      unsimulated("operation", entry.opcode);
      return false;
  }
}

/// One-shot; looks at the level when it is made.
void IoUring::poll_add(const io_uring_sqe& entry) {
  File* file = state_.file(entry.fd);
  if (file == nullptr) return answer(entry.user_data, -EBADF);
  const std::uint32_t mask = entry.poll32_events | EPOLLERR | EPOLLHUP;
  if (const std::uint32_t ready = file->readiness(true) & mask) {
    file->acquire_readiness(ready);
    return answer(entry.user_data, static_cast<std::int32_t>(ready));
  }
  state_.pin(*file);
  requests_.push_back({Request::Kind::poll, entry.user_data, state_.thread(), file, mask});
}

IoUring::Request* IoUring::find_poll(std::uint64_t user_data) {
  for (Request& request : requests_) {
    if (request.kind == Request::Kind::poll && request.user_data == user_data) return &request;
  }
  return nullptr;
}

/// An event that has come meanwhile may have taken the request already. The two completions come
/// in either order.
void IoUring::poll_remove(const io_uring_sqe& entry) {
  Request* poll = find_poll(entry.addr);
  if (poll == nullptr) return answer(entry.user_data, -ENOENT);
  if (outcome(*poll) != 0 &&
      state_.world.choose(Kind::poll_order, 2, "the event comes before its removal") != 0) {
    return answer(entry.user_data, -EALREADY);
  }
  poll->kind = Request::Kind::cancelled_poll;
  if (state_.world.choose(Kind::poll_order, 2, "what was removed completes first") != 0) {
    complete(static_cast<std::size_t>(poll - requests_.data()), -ECANCELED);
  }
  answer(entry.user_data, 0);
}

/// The time is read now, wherever the entry was made.
bool IoUring::timeout(const io_uring_sqe& entry, const void* pc) {
  const auto* at = reinterpret_cast<const __kernel_timespec*>(entry.addr);
  if (runtime::in_stack(at)) {
    runtime::check_frame(at, sizeof *at, "io_uring_enter", pc, runtime::g_entry.stack_pointer);
  }
  state_.world.memory.plain_read(state_.thread(), at, sizeof *at, pc);
  constexpr std::int64_t second_ns = 1'000'000'000;
  constexpr std::int64_t most_s = INT64_MAX / 4 / second_ns;
  if (at->tv_sec < 0 || at->tv_nsec < 0) {
    answer(entry.user_data, -EINVAL);
    return false;
  }
  std::int64_t expiry_ns = std::min<std::int64_t>(at->tv_sec, most_s) * second_ns + at->tv_nsec;
  if ((entry.timeout_flags & IORING_TIMEOUT_ABS) == 0) expiry_ns += state_.world.now_ns();
  auto& timer = state_.make<TimerFd>(0, CLOCK_MONOTONIC);
  state_.pin(timer);
  timer.set(expiry_ns, 0);
  const std::int64_t after =
      entry.off != 0 ? sequence() + static_cast<std::int64_t>(entry.off) : INT64_MAX;
  requests_.push_back(
      {Request::Kind::timeout, entry.user_data, state_.thread(), &timer, EPOLLIN, after});
  return true;
}

}  // namespace aiosim::kernel
