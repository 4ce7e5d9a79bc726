#include "aio/home_thread.h"

namespace aio {

constinit thread_local std::uint64_t HomeThread::own_number_ = 0;

namespace {

std::uint64_t next_number() {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

void HomeThread::bind() {
  if (own_number_ == 0) own_number_ = next_number();
  number_.store(own_number_, std::memory_order_relaxed);
}

bool HomeThread::claim() {
  if (is_current()) return true;
  if (number_.load(std::memory_order_relaxed) != nobody) return false;
  if (own_number_ == 0) own_number_ = next_number();
  std::uint64_t expected = nobody;
  return number_.compare_exchange_strong(expected, own_number_, std::memory_order_relaxed);
}

}  // namespace aio
