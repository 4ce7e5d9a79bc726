#include "explore/host.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "aiosim/observe.h"
#include "explore/programs.h"
#include "explore/rates.h"

namespace aiosim {
namespace {

/// What the child says of one run; rule and text follow.
struct Report {
  std::uint64_t run = 0;
  VerdictKind kind = VerdictKind::pass;
  std::uint32_t rule_size = 0;
  std::uint32_t text_size = 0;
};

[[noreturn]] void fail(const char* call) {
  throw BadInput(std::string("host world: expected ") + call +
                 " to work, found: " + std::strerror(errno));
}

// --- the child --------------------------------------------------------------------------------

bool write_all(int fd, const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t put = ::write(fd, next, size);
    if (put < 0 && errno == EINTR) continue;  // an armed fault point also strikes here
    if (put < 0) return false;
    next += put;
    size -= static_cast<std::size_t>(put);
  }
  return true;
}

Verdict run_once(Execution& execution) {
  RunResult result;
  try {
    execution.body();
  } catch (const RunStopped& stopped) {
    result.verdict = stopped.verdict;
  } catch (const std::exception& error) {
    result.verdict = {VerdictKind::escaped_exception, "", error.what()};
  }
  return execution.judge(result);
}

void arm_for_run(const ExploreOptions& options, std::uint64_t run) {
  const std::uint64_t seed = derive(options.root_seed, Purpose::host_faults, run);
  const RateSet& rates = swarm_rates[static_cast<std::size_t>(Kind::fault)];
  const std::uint32_t rate = rates[seed % rates.size()];
  fault::set_decider(fault::host_decider(seed, rate));
  fault::begin_run(subset_of(options, run));
}

// Ends by _exit: threads of a failed run may still be there, and nothing of the parent's is ours.
[[noreturn]] void child(const Property& property, const Backend& backend, const Program& program,
                        const ExploreOptions& options, const HostBatch& batch, int out) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) {
    ::signal(number, SIG_DFL);
  }
  ::signal(SIGINT, SIG_IGN);  // the parent decides
  const auto execution = property.prepare(program, backend);
  fault::arm(options.plan);
  for (std::uint64_t run = batch.first_run; run < batch.end_run; ++run) {
    arm_for_run(options, run);
    const Verdict verdict = run_once(*execution);
    Report report;
    report.run = run;
    report.kind = verdict.kind;
    report.rule_size = static_cast<std::uint32_t>(verdict.rule.size());
    report.text_size = static_cast<std::uint32_t>(verdict.text.size());
    const bool told = write_all(out, &report, sizeof report) &&
                      write_all(out, verdict.rule.data(), verdict.rule.size()) &&
                      write_all(out, verdict.text.data(), verdict.text.size());
    if (!told || !verdict.passed()) break;
  }
  ::_exit(0);
}

// --- the parent -------------------------------------------------------------------------------

/// The child and its pipe; killed and reaped at the latest when this goes.
class Child {
 public:
  Child(pid_t pid, int in) : pid_(pid), in_(in) {}
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      reap();
    }
    ::close(in_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int in() const { return in_; }

  /// Its status as of waitpid.
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
  int in_;
};

/// Takes whole reports out of what has come through the pipe.
class Reports {
 public:
  /// False at the pipe's end.
  bool read_some(int fd) {
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    bytes_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  std::optional<HostFailure> next() {
    Report report;
    if (bytes_.size() < sizeof report) return std::nullopt;
    std::memcpy(&report, bytes_.data(), sizeof report);
    const std::size_t size = sizeof report + report.rule_size + report.text_size;
    if (bytes_.size() < size) return std::nullopt;
    HostFailure outcome;
    outcome.run = report.run;
    outcome.verdict.kind = report.kind;
    outcome.verdict.rule = bytes_.substr(sizeof report, report.rule_size);
    outcome.verdict.text = bytes_.substr(sizeof report + report.rule_size, report.text_size);
    bytes_.erase(0, size);
    return outcome;
  }

 private:
  std::string bytes_;
};

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    return "signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) +
           ") on the host";
  }
  return "the process ended with status " + std::to_string(WEXITSTATUS(status)) + " on the host";
}

std::optional<HostFailure> watch(Child& child, const HostBatch& batch,
                                 const std::function<bool(bool)>& go_on) {
  constexpr int slice_ms = 50;
  Reports reports;
  std::uint64_t run = batch.first_run;  // the one that is running
  int quiet_ms = 0;
  for (;;) {
    pollfd ready{child.in(), POLLIN, 0};
    const int n = ::poll(&ready, 1, slice_ms);
    if (n > 0) {
      quiet_ms = 0;
      const bool open = reports.read_some(child.in());
      while (const auto outcome = reports.next()) {
        run = outcome->run + 1;
        if (!go_on(true) && outcome->verdict.passed()) return std::nullopt;
        if (!outcome->verdict.passed()) return outcome;
      }
      if (open) continue;
      const int status = child.reap();
      if (run == batch.end_run && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return std::nullopt;
      }
      return HostFailure{run, {VerdictKind::crash, "", describe_end(status)}};
    }
    if (!go_on(false)) return std::nullopt;
    if (n == 0) quiet_ms += slice_ms;
    if (quiet_ms < batch.patience_ms) continue;
    return HostFailure{
        run,
        {VerdictKind::deadlock, "",
         "no progress for " + std::to_string(batch.patience_ms / 1000) + " s on the host"}};
  }
}

}  // namespace

std::optional<HostFailure> run_on_host(const Property& property, const Backend& backend,
                                       const Program& program, const ExploreOptions& options,
                                       const HostBatch& batch,
                                       const std::function<bool(bool run_done)>& go_on) {
  int ends[2];
  if (::pipe(ends) != 0) fail("pipe");
  const pid_t pid = ::fork();
  if (pid < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    fail("fork");
  }
  if (pid == 0) {
    ::close(ends[0]);
    try {
      child(property, backend, program, options, batch, ends[1]);
    } catch (...) {
      ::_exit(125);  // the property cannot bind its own program: reported as a crash by the parent
    }
  }
  ::close(ends[1]);
  Child running(pid, ends[0]);
  return watch(running, batch, go_on);
}

}  // namespace aiosim
