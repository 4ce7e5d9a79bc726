// FdWatch: a handler that is removed with its owner. Move-only.
//
//   any thread      everything, as Context::set_fd_handler(); one thread at a time
#pragma once

#include <utility>

#include "aio/context.h"

namespace aio {

class FdWatch {
 public:
  /// Watches nothing.
  FdWatch() = default;
  /// Context::set_fd_handler(). The context must outlive the watch, and `fd` stay open as long.
  /// Throws std::bad_alloc.
  FdWatch(Context& context, int fd, const FdCallbacks& callbacks) : context_(&context), fd_(fd) {
    context.set_fd_handler(fd, callbacks);
  }
  ~FdWatch() { reset(); }

  FdWatch(FdWatch&& other) noexcept
      : context_(std::exchange(other.context_, nullptr)), fd_(std::exchange(other.fd_, -1)) {}
  /// What it watched so far is over; of the same fd, has been since `other` was made.
  FdWatch& operator=(FdWatch&& other) noexcept {
    if (this == &other) return *this;
    if (other.context_ != context_ || other.fd_ != fd_) reset();
    context_ = std::exchange(other.context_, nullptr);
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  /// Removes the handler: what the caller may free afterwards, and when, Context says.
  void reset() {
    if (context_ != nullptr) context_->remove_fd_handler(fd_);
    context_ = nullptr;
    fd_ = -1;
  }

  /// -1 if it watches nothing.
  [[nodiscard]] int fd() const { return fd_; }

 private:
  Context* context_ = nullptr;
  int fd_ = -1;
};

}  // namespace aio
