// A program of two home threads, as a module of the simulator with our loop in it: the first hands
// the loop over to the second and goes on as a producer.
#include <thread>

#include "aio/context.h"

namespace {

void count(void* calls) { ++*static_cast<int*>(calls); }

/// How often the bottom half was called. `release`: as Context::bind_home_thread() wants it.
int hand_over(bool release) {
  aio::Context context({.monitor = aio::Monitor::epoll});
  context.bind_home_thread();
  int calls = 0;
  aio::BottomHalf* bh = context.new_bh(count, &calls);
  if (release) context.release_home_thread();
  std::thread next([&] {
    context.bind_home_thread();
    while (calls == 0) context.poll(true);
  });
  bh->schedule();
  next.join();
  bh->delete_();
  return calls;
}

}  // namespace

extern "C" int (*const aiosim_backend)(bool release) = hand_over;
