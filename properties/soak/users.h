// Who uses a loop under soak, each in a thread of its own: clients of its echo server, and a
// producer of everything else.
#pragma once

#include <cstdint>

#include "soak/loop.h"

namespace soak {

/// Faults of the harness's own, to show that a soak can fail: `--plant`.
enum class Plant : std::uint8_t { none, lose, twice, hang, leak_memory, leak_fd, spin };

struct Work {
  std::uint64_t seed = 0;
  int steps = 0;  ///< messages, and as many rounds of the producer
  std::int64_t storm_ns = 0;
  Plant plant = Plant::none;
};

/// Opens and closes connections, sends, and compares every byte that comes back.
void run_client(Loop& loop, const Work& work);

/// Bottom halves, one-shots, timers, notify(), handlers set and removed from outside, requests and
/// buffers; all of them are done when it returns, or asked for (Loop::settle()).
class Producer {
 public:
  explicit Producer(Loop& loop);
  /// With its loop at rest.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void run(const Work& work);

 private:
  struct BottomHalf;
  struct Timer;

  void schedule(std::size_t which);
  void arm(std::size_t which, std::int64_t delay_ns);
  void schedule_oneshot(const Work& work);
  void use_handler();
  void use_virtqueue(std::size_t buffers);
  void await_bottom_halves();

  Loop& loop_;
  std::vector<std::unique_ptr<BottomHalf>> bottom_halves_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::optional<aio::VirtqueueDriver> driver_;
  std::vector<std::uint32_t> words_;  // what the buffers hold
  std::vector<std::size_t> word_of_;  // by buffer id
};

}  // namespace soak
