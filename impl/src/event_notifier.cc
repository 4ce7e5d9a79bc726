#include "aio/event_notifier.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "check.h"

namespace aio {

EventNotifier::EventNotifier() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

EventNotifier::~EventNotifier() { close(fd_); }

void EventNotifier::set() {
  const std::uint64_t one = 1;
  ssize_t written;
  do {
    written = write(fd_, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
  // EAGAIN: the counter is saturated, which is as readable as it gets.
  AIO_CHECK(written == static_cast<ssize_t>(sizeof one) || errno == EAGAIN);
}

std::uint64_t EventNotifier::take() {
  std::uint64_t count = 0;
  ssize_t got;
  do {
    got = read(fd_, &count, sizeof count);
  } while (got < 0 && errno == EINTR);
  AIO_CHECK(got == static_cast<ssize_t>(sizeof count) || errno == EAGAIN);
  return got > 0 ? count : 0;
}

}  // namespace aio
