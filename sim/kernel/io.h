// Where a read goes to or a write comes from: the caller's buffers, and how far the transfer got.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace aiosim::kernel {

class Io {
 public:
  Io(const iovec* segments, int count) : Io(segments, count, 0, false) {}
  /// Of a message: MSG_DONTWAIT, MSG_PEEK and MSG_NOSIGNAL matter.
  Io(const iovec* segments, int count, int message_flags)
      : Io(segments, count, message_flags, true) {}

  std::size_t left() const { return size_ - moved_; }
  /// Moves at most `size` bytes more: a short transfer.
  void limit(std::size_t size) { size_ = std::min(size_, moved_ + size); }
  std::size_t moved() const { return moved_; }

  void copy_to_user(const void* from, std::size_t size) {
    auto* source = static_cast<const char*>(from);
    each_part(size, [&](char* user, std::size_t n) {
      std::memcpy(user, source, n);
      source += n;
    });
  }
  void copy_from_user(void* to, std::size_t size) {
    auto* target = static_cast<char*>(to);
    each_part(size, [&](char* user, std::size_t n) {
      std::memcpy(target, user, n);
      target += n;
    });
  }

  /// The first bytes of a write, without moving them; `size` must be in the first segment.
  void peek(void* to, std::size_t size) const { std::memcpy(to, segments_[0].iov_base, size); }
  std::size_t first_segment() const { return count_ > 0 ? segments_[0].iov_len : 0; }

  template <typename F>
  void for_each_segment(F f) const {
    for (int i = 0; i < count_; ++i) f(segments_[i].iov_base, segments_[i].iov_len);
  }

  /// Calls f(address, size) for each piece of the caller's memory that was transferred.
  template <typename F>
  void for_each_moved(F f) const {
    std::size_t rest = moved_;
    for (int i = 0; i < count_ && rest > 0; ++i) {
      const std::size_t n = std::min(rest, segments_[i].iov_len);
      if (n > 0) f(segments_[i].iov_base, n);
      rest -= n;
    }
  }

  const int flags;
  const bool message;  // recvmsg or sendmsg, not read or write
  bool met_data = false;    // of a message: there was something to read
  bool slept = false;       // it waited for room, or for data
  bool quiet = false;       // EPIPE without SIGPIPE
  std::int64_t figure = 0;  // for the trace: the counter's value that went over

 private:
  Io(const iovec* segments, int count, int message_flags, bool is_message)
      : flags(message_flags), message(is_message), segments_(segments), count_(count) {
    for (int i = 0; i < count; ++i) size_ += segments[i].iov_len;
  }

  template <typename F>
  void each_part(std::size_t size, F f) {
    while (size > 0) {
      const iovec& segment = segments_[at_];
      const std::size_t n = std::min(size, segment.iov_len - offset_);
      if (n > 0) f(static_cast<char*>(segment.iov_base) + offset_, n);
      offset_ += n;
      moved_ += n;
      size -= n;
      if (offset_ == segment.iov_len) {
        ++at_;
        offset_ = 0;
      }
    }
  }

  const iovec* segments_;
  int count_;
  int at_ = 0;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
  std::size_t moved_ = 0;
};

}  // namespace aiosim::kernel
