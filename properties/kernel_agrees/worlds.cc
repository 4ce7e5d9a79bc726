#include "kernel_agrees/worlds.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include "aiosim/choice.h"
#include "aiosim/observe.h"
#include "aiosim/run.h"

namespace kernel_agrees {
namespace {

// --- a thread that may block in its calls -----------------------------------------------------

struct Worker {
  enum : int { idle, asked, in_call, done };
  Worker(Shared& shared, int thread) : runner(shared, thread) {}

  Runner runner;
  std::atomic<int> state{idle};
  std::atomic<unsigned> orders{0};  // a futex
  const Step* step = nullptr;
  std::size_t number = 0;
  Figures figures;
  int stat = -1;  // /proc/self/task/TID/stat
};

void serve(Worker& worker) {
  for (unsigned seen = 0;;) {
    while (worker.orders.load() == seen) {
      syscall(SYS_futex, &worker.orders, FUTEX_WAIT_PRIVATE, seen, nullptr);
    }
    seen = worker.orders.load();
    worker.figures.count = 0;
    worker.state.store(Worker::in_call);
    worker.runner.run(*worker.step, worker.number, worker.figures);
    worker.state.store(Worker::done);
  }
}

void order(Worker& worker, const Step& step, std::size_t number) {
  worker.step = &step;
  worker.number = number;
  worker.state.store(Worker::asked);
  worker.orders.fetch_add(1);
  syscall(SYS_futex, &worker.orders, FUTEX_WAKE_PRIVATE, 1);
}

/// A sequence on the main thread; `begin` is told of each step, `settle` returns when every worker
/// is.
template <typename Begin, typename Settle>
void run_all(const Sequence& steps, Runner& runner, Worker* (&workers)[worker_count],
             Results& results, Begin begin, Settle settle) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    begin(i);
    Figures& out = results.steps[i];
    out.count = 0;
    if (step.thread == 0) {
      runner.run(step, i, out);
    } else if (Worker& worker = *workers[step.thread - 1]; worker.state == Worker::idle) {
      order(worker, step, i);
    } else {
      out.add(left_out);
    }
    settle();
    for (int w = 0; w < worker_count; ++w) {
      Worker* const worker = workers[w];
      results.ended[i][static_cast<std::size_t>(w)].count = 0;
      if (worker == nullptr || worker->state != Worker::done) continue;
      results.ended[i][static_cast<std::size_t>(w)] = worker->figures;
      worker->state.store(Worker::idle);
    }
  }
}

/// The same memory every time: nothing is allocated while a sequence runs.
template <typename T>
struct Room {
  template <typename... Arguments>
  T& make(Arguments&&... arguments) {
    return *new (bytes) T(std::forward<Arguments>(arguments)...);
  }
  alignas(T) unsigned char bytes[sizeof(T)];
};

// --- on Linux ---------------------------------------------------------------------------------

/// A thread says S only once it is in the wait queue that its call sleeps in (locks say D).
bool is_asleep(const Worker& worker) {
  char text[256];
  const ssize_t size = pread(worker.stat, text, sizeof text - 1, 0);
  if (size <= 0) return false;
  text[size] = 0;
  const char* const after_name = std::strrchr(text, ')');
  return after_name != nullptr && after_name[2] == 'S';
}

/// A thread of Linux that is awake while a world runs would be taken for one of the world's.
void wait_asleep(const Worker& worker) {
  while (!is_asleep(worker)) sched_yield();
}

bool is_settled(const Worker& worker) {
  return worker.state == Worker::idle || worker.state == Worker::done ||
         (worker.state == Worker::in_call && is_asleep(worker) && worker.state == Worker::in_call);
}

/// Twice: the first one's last call may have woken the second.
void settle_on_linux(Worker* (&workers)[worker_count]) {
  for (int settled = 0; settled < 2 * worker_count;) {
    const bool is = is_settled(*workers[settled % worker_count]);
    settled = is ? settled + 1 : 0;
    if (!is) sched_yield();
  }
}

/// All on this CPU, and workers that do not preempt who wakes them: what is woken runs afterwards.
void share_one_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof one, &one);
}
void be_woken_late() {
  const sched_param nothing{};
  sched_setscheduler(0, SCHED_BATCH, &nothing);
}

void* linux_worker(void* argument) {
  auto& worker = *static_cast<Worker*>(argument);
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%ld/stat", syscall(SYS_gettid));
  worker.stat = open(path, O_RDONLY | O_CLOEXEC);
  be_woken_late();
  worker.state.store(Worker::done);
  serve(worker);
  return nullptr;
}

struct Linux {
  Shared shared;
  Runner main{shared, 0};
  Worker b{shared, 1};
  Worker c{shared, 2};
  Worker* workers[worker_count] = {&b, &c};
  pthread_t threads[worker_count] = {};

  void start() {
    share_one_cpu();
    for (int i = 0; i < worker_count; ++i) {
      if (pthread_create(&threads[i], nullptr, linux_worker, workers[i]) != 0) std::abort();
      while (workers[i]->state != Worker::done) sched_yield();
      workers[i]->state.store(Worker::idle);
      wait_asleep(*workers[i]);
    }
  }
  /// Ends the calls that are still under way.
  void interrupt() {
    for (int i = 0; i < worker_count; ++i) {
      while (workers[i]->state == Worker::in_call || workers[i]->state == Worker::asked) {
        pthread_kill(threads[i], SIGUSR1);
        sched_yield();
      }
      workers[i]->state.store(Worker::idle);
      wait_asleep(*workers[i]);
    }
  }
};

Linux& host() {
  static Linux instance;
  return instance;
}

void acknowledge(Shared& shared) {
  for (std::atomic<int>& entry : shared.inet) {
    const int fd = entry.load();
    const int on = 1;
    if (fd == 0) break;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }
}

void await_acknowledgements(int first, int end) {
  for (int fd = first, tries = 0; fd < end;) {
    tcp_info info{};
    socklen_t size = sizeof info;
    const bool waits = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
                       (info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_CLOSING);
    const timespec shortly{0, 1'000'000};
    if (!waits || ++tries > 100) {
      ++fd;
    } else {
      nanosleep(&shortly, nullptr);
    }
  }
}

void begin(Shared& shared) {
  for (std::atomic<int>& entry : shared.inet) entry.store(0);
  shared.ports_used = 0;
}

// --- in a world -------------------------------------------------------------------------------

/// Of two sleepers in epoll_wait Linux wakes the one that came last. The main thread runs last.
class Priority final : public aiosim::Chooser {
 public:
  void begin() override {
    last_ = 0;
    step_ = 0;
    open_at = nowhere;
  }
  void next(std::size_t number, const Step& step) {
    step_ = number;
    if (step.call == Call::epoll_wait && step.thread > 0) last_ = step.thread;
  }
  std::uint32_t choose(const aiosim::Question& question) override {
    if (question.key.kind != aiosim::Kind::sched) return 0;
    std::uint32_t best = 0;
    int in_call = 0;
    for (std::uint32_t i = 0; i < question.answers; ++i) {
      const std::uint32_t thread = question.threads[i];
      if (thread > 0 && workers[thread - 1]->state == Worker::in_call) ++in_call;
      if (rank(thread) < rank(question.threads[best])) best = i;
    }
    if (in_call > 1) open_at = std::min(open_at, step_);
    return best;
  }

  Worker* workers[worker_count] = {};
  std::size_t open_at = nowhere;

 private:
  int rank(std::uint32_t thread) const {
    if (thread == 0) return worker_count;
    return last_ == static_cast<int>(thread) ? 0 : 1;
  }

  std::size_t step_ = 0;
  int last_ = 0;  // of the workers in epoll_wait
};

void* simulated_worker(void* argument) {
  serve(*static_cast<Worker*>(argument));
  return nullptr;
}

bool has_workers(const Sequence& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.thread > 0; });
}

bool counts_room_alike() {
  static char bytes[10'000];
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
  int small = 0;
  int large = 0;
  const bool sent = write(ends[0], bytes, 1) == 1 && ioctl(ends[0], SIOCOUTQ, &small) == 0 &&
                    write(ends[0], bytes, sizeof bytes) == sizeof bytes &&
                    ioctl(ends[0], SIOCOUTQ, &large) == 0;
  close(ends[0]);
  close(ends[1]);
  return sent && small == 768 && large == 768 + 12544;
}

/// Closes the gaps below the highest open fd; the number after it.
int close_gaps() {
  int highest = 2;
  DIR* const open = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(open)) highest = std::max(highest, std::atoi(entry->d_name));
  closedir(open);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) {
    if (fd > highest) {
      close(fd);
      return fd;
    }
  }
  return -1;
}

}  // namespace

Worlds::Worlds() = default;

void Worlds::prepare() {
  if (base_ >= 0) return;
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  sigaction(SIGUSR1, &nothing, nullptr);
  signal(SIGPIPE, SIG_IGN);
  counts_alike_ = counts_room_alike();
  host().start();
  base_ = close_gaps();
  if (base_ < first_fd) throw std::runtime_error("kernel_agrees: no free fd");
}

const Results& Worlds::run_on_linux(const Sequence& steps, bool patient) {
  static Results results;
  Linux& k = host();
  begin(k.shared);
  k.shared.shift = base_ - first_fd;
  k.shared.tag = static_cast<unsigned>(getpid());
  k.shared.small = !counts_alike_;
  k.shared.is_linux = true;
  const auto settle = [&] {
    acknowledge(k.shared);
    if (patient) await_acknowledgements(base_, base_ + 2 * fd_range);
    settle_on_linux(k.workers);
  };
  run_all(steps, k.main, k.workers, results, [](std::size_t) {}, settle);
  k.interrupt();
  close_range(static_cast<unsigned>(base_), ~0u, 0);
  return results;
}

const Results& Worlds::run_simulated(const Sequence& steps, Plant plant, Ending& ending) {
  static Results results;
  static Room<Shared> shared_room;
  static Room<Runner> runner_room;
  static Room<Worker> worker_rooms[worker_count];
  static Priority chooser;
  const bool with_workers = has_workers(steps);
  bool complete = false;
  const auto tag = static_cast<unsigned>(getpid());
  const auto body = [&] {
    const aiosim::UnderTestScope scope;
    signal(SIGPIPE, SIG_IGN);
    Shared& shared = shared_room.make();
    shared.tag = tag;
    shared.plant = plant;
    shared.small = !counts_alike_;
    Runner& runner = runner_room.make(shared, 0);
    Worker*(&workers)[worker_count] = chooser.workers;
    for (int i = 0; with_workers && i < worker_count; ++i) {
      workers[i] = &worker_rooms[i].make(shared, i + 1);
      pthread_t thread{};
      if (pthread_create(&thread, nullptr, simulated_worker, workers[i]) != 0) std::abort();
    }
    if (with_workers) sched_yield();
    const auto settle = [&] {
      if (with_workers) sched_yield();
    };
    run_all(steps, runner, workers, results, [&](std::size_t i) { chooser.next(i, steps[i]); },
            settle);
    complete = true;
  };
  const aiosim::RunResult result = aiosim::run(body, chooser);
  // The threads that wait for ever are what a deadlock is.
  const bool ended = result.verdict.kind == aiosim::VerdictKind::pass ||
                     (complete && result.verdict.kind == aiosim::VerdictKind::deadlock);
  const std::string kind(aiosim::name(result.verdict.kind));
  ending = {ended ? "" : kind + ": " + result.verdict.text, chooser.open_at};
  return results;
}

}  // namespace kernel_agrees
