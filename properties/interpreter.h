// Runs a program against a loop, in a simulated world or on real threads, and records what it saw.
//
// All of it is harness code: calls into the loop and system calls on behalf of the program are made
// under test, callbacks come back as harness. Its own shared state is std::atomic: uninstrumented,
// so that it adds no synchronisation to the code under test in a simulated world.
//
// Every program ends on a correct loop: callbacks run their operations a bounded number of times,
// nested polls go a bounded depth, home blocks only while something is outstanding that must end
// the wait, and each producer's last acts are to say that it has finished, and notify().
//
// A run that a verdict ends is abandoned with its stacks: all state lives here, and reset() must
// not destroy what such a run left behind.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "aiosim/observe.h"
#include "observation.h"
#include "program.h"
#include "properties/backend.h"

namespace properties {

class Interpreter {
 public:
  Interpreter(const Case& program, const BackendModule& module);
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// The run, home thread. May end in aiosim::stop_run.
  void run();
  void observations(std::vector<Observation>& out) const { recorder_.merge(out); }
  /// Threads that are neither home nor of the program have called the kernel, or on the host were
  /// there once the loop was made. Of the last run.
  bool loop_has_threads() const { return loop_has_threads_; }
  const Case& program() const { return program_; }
  const BackendModule& module() const { return module_; }

 private:
  static constexpr int max_registrations = 48;  // of handlers, in a run
  static constexpr int max_instances = 64;      // of one-shots, in a run
  static constexpr int max_depth = 4;           // of polls
  static constexpr int max_hooks = 4;           // of one registration, those set with it included

  struct BhState {
    Interpreter* self = nullptr;
    int number = 0;
    Bh* handle = nullptr;
    bool used = false;
    bool single = true;      // one thread alone touches it
    bool cancelled = false;  // some operation cancels it
    std::atomic<bool> deleted{false};
    std::array<std::uint64_t, max_threads> payload{};            // under test only
    std::array<std::atomic<std::uint64_t>, max_threads> last{};  // schedules begun
    std::array<std::atomic<std::uint64_t>, max_threads> seen{};  // of them, seen by a call
  };
  struct Registration {
    Interpreter* self = nullptr;
    int fd = 0;  // number in the program
    bool pollable = false;
    bool write = false;
    bool read = true;                  // not that of a full pipe which has a write callback
    std::atomic<unsigned> polling{0};  // hooks, a bit each: io_poll_begin called, not yet _end
    int hooks = 0;                     // in force; changed by whoever holds FdState::busy
    std::atomic<bool> stale{false};    // its fd has been closed since it was set
    int window = 0;                    // of busy polling in which it was last tested
    std::int64_t tested_ns = 0;
    std::int64_t quiet_since_ns = -1;  // windows have found nothing since one that ended then
    bool last_poll_due = false;        // io_poll_end called, and no poll function since (R66)
    bool quiet = false;                // for so long that windows are to leave it out (R63)
    int writes = 0;
  };
  struct FdState {
    int read_fd = -1;
    int write_fd = -1;
    bool used = false;
    bool pipe = false;
    bool full = false;  // a full pipe's writing end: hung up, it is broken and nothing else (R71)
    bool has_other_end() const { return pipe || full; }
    std::atomic<int> data{0};        // signals not yet taken
    std::atomic<int> signalling{0};  // threads that write to it, or read from it
    std::atomic<bool> hung_up{false};
    std::atomic<bool> closed{false};
    std::atomic<bool> busy{false};  // somebody changes its handler
    std::atomic<Registration*> current{nullptr};
    std::atomic<bool> registered{false};  // and the loop has been told
    int ready_depth = 0;                  // io_poll_ready calls on the stack
    int called = -1;                      // registration whose callback has returned last
  };
  struct TimerState {
    Interpreter* self = nullptr;
    int number = 0;
    Timer* handle = nullptr;
    bool used = false;
    bool countable = true;  // armed is never true for a timer that is not armed
    std::atomic<bool> armed{false};
  };
  struct FlagRef {
    Interpreter* self;
    std::size_t flag;
  };
  struct Instance {
    Interpreter* self = nullptr;
    int number = 0;  // of the part
    std::uint64_t payload = 0;
    std::atomic<bool> outstanding{false};
  };

  struct Own {  // an io_uring request
    Interpreter* self = nullptr;
    int number = 0;  // of the part
    Verb verb = Verb::nop_request;
    std::int64_t ns = 0;
    RingHandle* handle = nullptr;
    std::atomic<bool> pending{false};      // added and not completed
    std::atomic<bool> outstanding{false};  // and its completion will come
  };

  // interpreter.cc
  void reset();
  void set_up();
  void start_producers();
  void produce(int thread);
  static void share_own(int thread, Verb verb);
  void share_others(int thread) const;
  void run_part(int thread, const Part* part);
  void run_calls(Role role, int number);
  void drain();
  void clear_up();
  void close_fds();
  void find_lost_fds();
  void join_producers();
  [[noreturn]] void give_up(const char* what);
  void expect_last_polls();
  bool outstanding() const;
  void poll(bool blocking);
  void install_probes();
  std::int64_t unserved_fds(bool pollable) const;
  std::int64_t writable_fds() const;
  std::int64_t polled_fds() const;

  // operations.cc, fd_operations.cc
  void run_op(int thread, const Op& op);
  void run_fd_op(int thread, const Op& op);
  void schedule(int thread, const Op& op);
  void oneshot(int thread, const Op& op);
  void delete_bh(int thread, const Op& op);
  void signal(int thread, const Op& op);
  void hang_up(int thread, const Op& op);
  void change_handler(int thread, const Op& op);
  void change_hooks(int thread, const Op& op);
  void change_file(int thread, const Op& op);
  void kick_if_data(FdState& fd);
  void arm(int thread, const Op& op);
  void hold_timers(int thread, const Op& op);
  void own_request(int thread, const Op& op);
  void add_own(int thread, Own& own);
  void add_again();
  void free_own(Own& own);
  void end_watches();
  void wait_flag(const Op& op);
  bool others_finished(int thread, int bh) const;
  template <typename Call>
  void observed(int thread, Observation seen, const Call& call);

  // callbacks.cc
  static void on_bh(void* opaque);
  static void on_oneshot(void* opaque);
  static void on_timer(void* opaque);
  static void on_own(void* opaque, int result);
  static void on_read(void* opaque);
  static void on_write(void* opaque);
  static bool on_poll(void* opaque);
  static bool on_poll_alone(void* opaque);
  static void on_ready(void* opaque);
  template <int hooks>
  static void on_begin(void* opaque);
  template <int hooks>
  static void on_end(void* opaque);
  static Callback begin_of(int hooks);
  static Callback end_of(int hooks);
  static void on_polling(void* opaque, const PollingEvent& event);
  void shorten_window() const;
  void see_who_is_quiet(std::int64_t now_ns);
  void on_poll_time(const PollingEvent& event);
  static bool flag_unset(void* opaque);
  void begin_call();
  bool guard_is_wrong() const;
  void fd_call(Registration& handler, Source source);
  std::int64_t take_data(Registration& handler, bool read);
  void touch(const Registration& handler, Source source, bool result, int hooks = 0,
             bool too_quiet = false);

  // setup.cc
  void analyse();
  void introduce();
  void make_loop();
  void make_fds();
  static int make_eventfd();
  bool make_file(FdState& fd) const;
  int moved(int fd) const;
  static void fill(const FdState& fd);
  static void close_file(FdState& fd);
  static bool close_own_end(FdState& fd);
  static void close_other_end(FdState& fd);
  void open_again(FdState& fd);
  static void write_fd(int fd);
  static std::int64_t read_fd(int fd);
  int registration_number(const Registration& handler) const {
    return static_cast<int>(&handler - registrations_.data());
  }

  /// Those of `all` that the run has used, `next` being the next one.
  template <class All>
  static auto used(All& all, const std::atomic<int>& next) {
    const auto count = static_cast<std::size_t>(next.load(std::memory_order_relaxed));
    return std::span(all).first(std::min(count, all.size()));
  }

  const Case program_;
  const BackendModule& module_;
  std::int64_t poll_max_ns_;
  std::int64_t callback_calls_;
  int first_fd_;
  int producers_;
  std::array<bool, max_flags + 1> waitable_{};  // a producer sets the flag
  std::array<std::array<bool, max_threads>, max_bhs + 1> touches_{};

  Recorder recorder_;
  // Their numbers in the world, whose others are the loop's own.
  std::array<std::atomic<std::uint32_t>, max_threads> world_threads_{};
  bool loop_has_threads_ = false;
  Loop* loop_ = nullptr;
  std::array<BhState, max_bhs + 1> bhs_;
  std::array<FdState, max_fds + 1> fds_;
  std::array<TimerState, max_timers + 1> timers_;
  std::array<Instance, max_instances> instances_;
  std::atomic<int> next_instance_{0};
  std::array<Own, max_instances> own_;
  std::atomic<int> next_own_{0};
  Own* completed_ = nullptr;  // whose callback runs, unless it is added again or freed
  std::array<Registration, max_registrations> registrations_;
  std::atomic<int> next_registration_{0};
  std::array<std::uint64_t, max_flags + 1> flags_{};  // under test only
  std::array<std::atomic<bool>, max_flags + 1> flags_begun_{};
  std::array<std::atomic<bool>, max_threads> finished_{};
  pthread_mutex_t meeting_ = PTHREAD_MUTEX_INITIALIZER;  // under test only
  std::array<std::array<int, max_bhs + 1>, static_cast<std::size_t>(Role::count_)> calls_{};
  bool home_notified_ = false;  // by home itself, since its last poll began
  bool joined_ = false;
  std::atomic<bool> held_{false};     // timers
  std::atomic<bool> holding_{false};  // somebody holds or releases them
  int depth_ = 0;                     // polls on home's stack
  int waits_ = 0;                     // wait_while calls on home's stack
  int bhs_running_ = 0;               // on home's stack
  int oneshots_running_ = 0;          // the same
  std::uint64_t home_calls_ = 0;      // callbacks so far
  bool in_world_ = false;
  // Busy polling under way: when it began, when a poll function was first called, and when the one
  // called last was called the time before: the loop looked at the clock in between.
  int window_ = 0;
  bool window_open_ = false;
  int found_in_ = -1;  // the last window in which a poll function said yes
  std::int64_t window_begin_ns_ = 0;
  std::int64_t first_test_ns_ = -1;
  std::int64_t last_look_ns_ = -1;
  std::atomic<unsigned> told_{0};    // notifications of other threads that have completed
  unsigned told_before_ = 0;         // when the busy polling began
  std::int64_t last_wait_ns_ = 0;    // that the loop measured (R64)
  void* place_of(int thread) {
    return threads_.data() + sizeof(std::thread) * static_cast<std::size_t>(thread);
  }
  alignas(std::thread) std::array<std::byte, sizeof(std::thread) * max_threads> threads_;
};

}  // namespace properties
