// The user's own io_uring operations (R84b). Without liburing there are none.
#pragma once

#include "aio/ring_request.h"
#include "properties/backend.h"

#if __has_include(<liburing.h>)
#include <liburing.h>
#include <poll.h>

#include <cerrno>
#include <new>

namespace {

class OwnRequest {
 public:
  OwnRequest(const properties::RingOperation& operation, properties::RingCallback callback,
             void* opaque)
      : operation_(operation), complete_(callback), opaque_(opaque) {
    after_.tv_sec = operation.ns / 1'000'000'000;
    after_.tv_nsec = operation.ns % 1'000'000'000;
  }

  static OwnRequest* of(properties::RingHandle* handle) {
    return reinterpret_cast<OwnRequest*>(handle);
  }
  properties::RingHandle* handle() { return reinterpret_cast<properties::RingHandle*>(this); }
  aio::RingRequest& request() { return request_; }

 private:
  static void prepare(io_uring_sqe* entry, void* self) {
    using Kind = properties::RingOperation::Kind;
    auto& it = *static_cast<OwnRequest*>(self);
    if (it.operation_.kind == Kind::nop) io_uring_prep_nop(entry);
    if (it.operation_.kind == Kind::timeout) io_uring_prep_timeout(entry, &it.after_, 0, 0);
    if (it.operation_.kind == Kind::poll) io_uring_prep_poll_add(entry, it.operation_.fd, POLLIN);
  }
  static void complete(void* self, int result) {
    auto& it = *static_cast<OwnRequest*>(self);
    it.complete_(it.opaque_, result);
  }

  const properties::RingOperation operation_;
  const properties::RingCallback complete_;
  void* const opaque_;
  __kernel_timespec after_{};
  aio::RingRequest request_{prepare, complete, this};
};

inline properties::RingHandle* new_ring_request(const properties::RingOperation& operation,
                                                properties::RingCallback complete, void* opaque) {
  auto* request = new (std::nothrow) OwnRequest(operation, complete, opaque);
  return request != nullptr ? request->handle() : nullptr;
}
inline bool add_ring_request(aio::Context& context, properties::RingHandle* request) {
  return context.add_request(OwnRequest::of(request)->request());
}
inline void free_ring_request(properties::RingHandle* request) { delete OwnRequest::of(request); }

}  // namespace

#else

namespace {

inline properties::RingHandle* new_ring_request(const properties::RingOperation&,
                                                properties::RingCallback, void*) {
  return nullptr;
}
inline bool add_ring_request(aio::Context&, properties::RingHandle*) { return false; }
inline void free_ring_request(properties::RingHandle*) {}

}  // namespace

#endif
