#include "cli/workers.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "cli/interrupt.h"

namespace aiosim::cli {
namespace {

// A frame is a type, a length and that many bytes.
enum class Frame : std::uint8_t { progress, done, failed };
struct Header {
  Frame type;
  std::uint32_t length;
};

/// By writev, which has no fault points: a progress frame leaves while the plan of a search is
/// armed, and a strike here would be nobody's choice.
void write_frame(int fd, Frame type, const void* data, std::size_t size) {
  std::string bytes(sizeof(Header) + size, '\0');
  const Header header{type, static_cast<std::uint32_t>(size)};
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, data, size);
  for (std::size_t at = 0; at < bytes.size();) {
    const iovec rest{bytes.data() + at, bytes.size() - at};
    const ssize_t n = writev(fd, &rest, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(3);  // the parent is gone
    at += static_cast<std::size_t>(n);
  }
}

/// The child's whole life.
[[noreturn]] void work_in_child(int fd, pid_t parent, const Workers::Work& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(3);
  catch_all_interrupts();
  std::signal(SIGPIPE, SIG_IGN);
  auto next = std::chrono::steady_clock::now();
  const auto tell = [&](const Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      next = now + std::chrono::milliseconds(200);
      write_frame(fd, Frame::progress, &progress, sizeof progress);
    }
    return !interrupted();
  };
  try {
    const std::string result = work(tell);
    write_frame(fd, Frame::done, result.data(), result.size());
  } catch (const std::exception& error) {
    write_frame(fd, Frame::failed, error.what(), std::strlen(error.what()));
  }
  std::fflush(nullptr);
  _exit(0);
}

}  // namespace

Workers::Workers(unsigned jobs, std::function<void(std::uint64_t, const Progress&)> on_progress)
    : jobs_(jobs), on_progress_(std::move(on_progress)) {}

Workers::~Workers() {
  for (Child& child : children_) {
    kill(child.pid, SIGKILL);
    close(child.fd);
    waitpid(child.pid, nullptr, 0);
  }
}

void Workers::start(std::uint64_t task, const Work& work) {
  if (jobs_ > 1) return fork_child(task, work);
  const auto tell = [&](const Progress& progress) {
    on_progress_(task, progress);
    return !interrupted();
  };
  ready_.push_back({task, true, work(tell)});
}

void Workers::fork_child(std::uint64_t task, const Work& work) {
  int ends[2];
  if (pipe(ends) != 0) throw BadInput(fmt::format("pipe: {}", std::strerror(errno)));
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw BadInput(fmt::format("fork: {}", std::strerror(errno)));
  if (pid == 0) {
    close(ends[0]);
    work_in_child(ends[1], parent, work);
  }
  close(ends[1]);
  children_.push_back({task, pid, ends[0], {}, false});
}

void Workers::stop(std::uint64_t task) {
  for (Child& child : children_) {
    if (child.task == task && !child.told_to_stop) {
      kill(child.pid, SIGINT);
      child.told_to_stop = true;
    }
  }
}

/// Handles the whole frames that came; false if one was the last (its text stays in `received`).
bool Workers::take_frames(Child& child) {
  Header header;
  while (child.received.size() >= sizeof header) {
    std::memcpy(&header, child.received.data(), sizeof header);
    if (child.received.size() < sizeof header + header.length) break;
    const char* data = child.received.data() + sizeof header;
    if (header.type != Frame::progress) {
      ready_.push_back({child.task, header.type == Frame::done, {data, header.length}});
      return false;
    }
    Progress progress;
    std::memcpy(&progress, data, sizeof progress);
    on_progress_(child.task, progress);
    child.received.erase(0, sizeof header + header.length);
  }
  return true;
}

void Workers::read_child(Child& child) {
  char buffer[1 << 16];
  const ssize_t n = read(child.fd, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return;
  if (n > 0) child.received.append(buffer, static_cast<std::size_t>(n));
  const bool more = n > 0 && take_frames(child);
  if (more) return;
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  close(child.fd);
  child.fd = -1;
  if (n <= 0) {
    const std::string how = WIFSIGNALED(status)
                                ? fmt::format("signal {}", strsignal(WTERMSIG(status)))
                                : fmt::format("exit status {}", WEXITSTATUS(status));
    ready_.push_back({child.task, false, "a worker process ended early: " + how});
  }
}

std::vector<Workers::Result> Workers::wait() {
  if (ready_.empty() && !children_.empty()) {
    if (interrupted()) {
      for (const Child& child : children_) stop(child.task);
    }
    std::vector<pollfd> fds;
    for (const Child& child : children_) fds.push_back({child.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), 500);
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents != 0) read_child(children_[i]);
    }
    std::erase_if(children_, [](const Child& child) { return child.fd < 0; });
  }
  std::vector<Result> results;
  results.swap(ready_);
  return results;
}

}  // namespace aiosim::cli
