// The typed program: what home thread, producers and callbacks of one case do.
//
// It is what the interpreter runs and what RapidCheck shrinks; as text it is an aiosim::Program.
// parse() and print() are inverse to each other. README.md lists the operations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aiosim/program.h"

namespace properties {

/// What a program is about. Each has parts and operations of its own; README.md lists them.
enum class Subject : std::uint8_t {
  loop,
  thread_pool,
  coroutines,
  virtqueue,
  loop_threads,
  linux_aio,
  lock_count,
};

/// How many of each a program may have; numbers in programs start at 1.
inline constexpr int max_producers = 3;
inline constexpr int max_bhs = 5;
inline constexpr int max_fds = 5;
inline constexpr int max_timers = 6;
inline constexpr int max_oneshots = 3;
inline constexpr int max_flags = 2;
inline constexpr int max_own = 3;  // io_uring requests of the program's own
inline constexpr int max_requests = 3;    // kinds: of a thread pool; 1 reads, 2 writes, 3 syncs
inline constexpr int max_coroutines = 4;
inline constexpr int max_jobs = 3;        // of loop threads: kinds of them
inline constexpr int max_loop_threads = 2;  // loops are numbered: 0 home's, 1 and 2 the others
/// Threads that act: the home thread is 0, producers are 1 to max_producers.
inline constexpr int max_threads = max_producers + 1;

enum class Verb : std::uint8_t {
  poll,           // home thread and callbacks: one iteration that does not block
  poll_blocking,  // the same, blocking if something is outstanding
  notify,
  schedule,        // bh
  schedule_idle,   // bh
  oneshot,         // part number
  cancel,          // bh
  delete_bh,       // bh
  signal,          // fd: makes it readable
  hang_up,         // fd (a pipe): its other end is closed
  keep,            // fd's callback: leaves the data unread while its calls are within budget
  add_fd,          // fd, pollable, write
  modify_fd,       // fd, pollable, write
  remove_fd,       // fd
  close_fd,        // fd: its number is nobody's, whatever handler it has
  open_fd,         // fd, closed before: another file under the same number
  recycle_fd,      // fd: both at once
  set_hooks,       // fd: other io_poll_begin and io_poll_end
  clear_hooks,     // fd: none
  arm,             // timer, ns from now (may be negative, or too far off to wait for)
  disarm,          // timer
  hold_timers,     // home and callbacks: none is called until
  release_timers,
  advance,         // ns that pass in nanosleep
  set_flag,        // flag; then kick
  wait_flag,       // flag: wait_while it is not set, if some producer sets it
  meet,            // takes and leaves a lock of all threads: what came before is known later
  nop_request,      // own io_uring request: done at once
  timeout_request,  // own: ns
  watch_request,    // own: until the fd of the same number is readable
  bad_request,      // own: fails at once
  again,            // request's callback: adds it again while its calls are within budget
  set_poll_max,    // Loop::set_poll_max
  poll_max_of_wait,  // the same, to so many times the last wait that the loop measured (R64)
  poll_max_ns,     // options: LoopOptions::poll_max_ns
  poll_grow,       // options: LoopOptions::poll_grow
  poll_shrink,     // options: LoopOptions::poll_shrink
  callback_calls,  // options: how many calls of each callback run its operations
  first_fd,        // options: the least number that an fd of the program may have
  handler,         // options: fd that has a handler from the start, pollable, write

  submit,       // request
  submit_many,  // of file requests: a number of them
  submit_bad,   // of file requests: one that the kernel refuses
  cancel_all,   // of file requests: the oldest first
  cancel_request,  // the newest of that kind that is outstanding
  wait_request,    // polls until no request of that kind is outstanding
  renew_pool,      // waits for all of them; the pool goes and another is made
  max_pool_threads,  // options
  idle_ms,           // options: after which a thread of the pool ends

  spawn,               // coroutine, in a loop; once in a run
  schedule_coroutine,  // to a loop, if it has yielded and nobody else enters it
  enter_coroutine,     // the same by enter()
  yield,
  move_to,       // loop
  loop_threads,  // options: how many loops there are beside home's

  attach,
  detach,
  defer,           // the handler's buffers are given back by a bottom half
  add_buffer,      // publishes a buffer; kicks only
  kick,            // here,
  wait_used,       // here (waits until a buffer comes back)
  take_used,       // takes what came back
  suppress_calls,
  queue_bits,      // options: size as a power of two
  without_polling,  // options: the queue is no pollable source

  post,         // job, to a loop that runs
  start_loop,   // loop
  stop_loop,    // loop
  loop_fds,     // options: each loop has an fd handler

  plug,         // file requests are held back from here on,
  unplug,       // to here
  renew_engine,  // waits for all of them; the engine goes and another is made
  ring_requests,  // options: how many the kernel is asked to take at once
  by_call,        // options: completions are fetched by system calls
  visit,              // looks at what the lock count guards, twice
  visit_and_collect,  // the same; frees what was replaced if it was the only visit
  visit_and_lock,     // the same by dec_and_lock()
  visit_twice,        // a visit within a visit, which ends as visit_and_collect
  replace,            // under the lock
  count_
};

enum class Role : std::uint8_t {
  options,
  home,
  producer,
  bh,
  fd,
  timer,
  oneshot,
  own,        // request: what the completion of an own io_uring request does
  work,       // what a request of a thread pool does
  done,       // and its completion, or that of a file request
  coroutine,
  guest,      // the driver of a virtqueue
  queue,      // the device's handler
  job,        // one-shot in some loop
  count_
};

struct Op {
  Verb verb = Verb::poll;
  int index = 0;            // of the bh, fd, timer, oneshot or flag
  std::int64_t amount = 0;  // ns, the number of an option, or a loop
  bool pollable = false;
  bool write = false;
  bool operator==(const Op&) const = default;
};

/// Nobody waits for a timer that is armed for longer: on the host, and in a world (115 days).
inline constexpr std::int64_t longest_ns = 10'000'000'000;
inline constexpr std::int64_t longest_in_world_ns = 10'000'000'000'000'000;

struct Part {
  Role role = Role::home;
  int number = 0;  // 0 for options and home
  std::vector<Op> ops;
  bool operator==(const Part&) const = default;
};

struct Case {
  std::vector<Part> parts;

  bool operator==(const Case&) const = default;
  const Part* find(Role role, int number = 0) const;
  Part& get(Role role, int number = 0);  // made if it is not there
  std::int64_t option(Verb verb, std::int64_t otherwise) const;
  int producers() const;  // the highest producer's number
};

/// `program` without what a backend of those Offers does not offer.
Case offered(Case program, std::uint32_t offers);
/// Those Offers as people read them: "bottom halves", "fd handlers".
std::vector<std::string> words_of(std::uint32_t offers);

/// Throws aiosim::BadInput("program: part 'bh 2' line 3: expected ..., found '...'").
Case parse(const aiosim::Program& program, Subject subject = Subject::loop);
aiosim::Program print(const Case& program);

std::string text(const Op& op);
std::string name(const Part& part);

/// The highest number that `verb` takes as its index, 0 if it takes none.
int index_limit(Verb verb);
/// The parts whose number is the index of `verb`; Role::options if it takes none.
Role index_role(Verb verb);
bool takes_amount(Verb verb);
/// Is the amount of `verb` the number of a loop?
bool takes_loop(Verb verb);
/// Are there several parts of that role, with numbers from 1?
bool is_numbered(Role role);

}  // namespace properties
