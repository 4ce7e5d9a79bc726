// How often each thread works on each object: what a program's runs are about, for strategies that
// spread their schedules over it.
#pragma once

#include <cstdint>
#include <vector>

#include "aiosim/choice.h"
#include "explore/strategy.h"

namespace aiosim {

class Profile {
 public:
  struct Count {
    ObjectId object = 0;
    std::uint32_t thread = 0;
    std::uint32_t operations = 0;
    bool writes = false;
  };

  void clear() { counts_.clear(); }
  void add(std::uint32_t thread, const Touch& touch);
  /// Of several runs: the mean, rounded up.
  void divide(std::uint32_t runs);
  /// By object, then by thread. Objects of one thread, or that nobody writes, are left out.
  void keep_shared();
  const std::vector<Count>& counts() const { return counts_; }

 private:
  std::vector<Count> counts_;
};

/// Runs as `walk` says, and counts.
class Profiler final : public Chooser {
 public:
  Profiler(Chooser& walk, Profile& profile) : walk_(walk), profile_(profile) {}
  void begin() override { walk_.begin(); }
  Watch watches() const override { return Watch::pending; }
  std::uint32_t choose(const Question& question) override;

 private:
  Chooser& walk_;
  Profile& profile_;
};

}  // namespace aiosim
