// Another thread asks for a call; the loop makes it.
#include <aio/context.h>

#include <cstdio>
#include <thread>

int main() {
  aio::Context context;
  bool called = false;
  std::thread other([&] {
    context.schedule_oneshot([](void* flag) { *static_cast<bool*>(flag) = true; }, &called);
  });
  while (!called) context.poll(true);
  other.join();
  std::puts("called");
}
