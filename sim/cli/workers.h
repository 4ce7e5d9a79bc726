// Pieces of work in forked processes, at most so many at once; their results come back as text.
//
// Forked, not threads: a world owns its process (one OS thread, one arena, one set of parked
// threads), and a crash of the simulator itself must not take the others' findings along. The
// parent never runs a world when it forks: parked threads do not survive fork.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "explore/explore.h"

namespace aiosim::cli {

class Workers {
 public:
  /// Tells the parent how far a piece of work is; false asks it to stop.
  using Tell = std::function<bool(const Progress&)>;
  using Work = std::function<std::string(const Tell&)>;

  struct Result {
    std::uint64_t task = 0;
    bool ok = false;
    std::string text;  // what the work returned; else why it could not
  };

  /// With `jobs` == 1 work is done here, in this process, where a debugger sees it.
  Workers(unsigned jobs, std::function<void(std::uint64_t task, const Progress&)> on_progress);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  bool full() const { return children_.size() >= jobs_; }
  /// Results that wait() returns without waiting.
  std::size_t ready() const { return ready_.size(); }
  bool idle() const { return children_.empty() && ready_.empty(); }
  /// Starts `work`; only when not full.
  void start(std::uint64_t task, const Work& work);
  /// Asks a task to stop; its result still comes.
  void stop(std::uint64_t task);
  /// Waits for something to happen and returns the results that came.
  std::vector<Result> wait();

 private:
  struct Child {
    std::uint64_t task;
    pid_t pid;
    int fd;
    std::string received;
    bool told_to_stop = false;
  };
  void fork_child(std::uint64_t task, const Work& work);
  bool take_frames(Child& child);
  void read_child(Child& child);

  unsigned jobs_;
  std::function<void(std::uint64_t, const Progress&)> on_progress_;
  std::vector<Child> children_;
  std::vector<Result> ready_;
};

}  // namespace aiosim::cli
