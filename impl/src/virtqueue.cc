#include "aio/virtqueue.h"

#include <stdexcept>

#include "check.h"

namespace aio {

VirtqueueRing::VirtqueueRing(std::uint16_t size) {
  constexpr std::uint16_t largest = 32'768;
  if (size == 0 || size > largest || (size & (size - 1)) != 0) {
    throw std::invalid_argument("virtqueue: expected a power of two from 1 to 32768, found " +
                                std::to_string(size));
  }
  buffers.resize(size);
  available.resize(size);
  used.resize(size);
}

// ---- the device's end ----

void Virtqueue::attach(Context& context, Callback handle, void* opaque, Polling polling) {
  AIO_CHECK(!attached());
  FdCallbacks callbacks;
  callbacks.opaque = this;
  callbacks.io_read = [](void* self) { static_cast<Virtqueue*>(self)->handle_kick(); };
  if (polling == Polling::yes) {
    callbacks.io_poll = [](void* self) { 
      const auto* queue = static_cast<Virtqueue*>(self);
      return !queue->broken_ && queue->available() != 0;
    };
    callbacks.io_poll_ready = [](void* self) {
      auto* queue = static_cast<Virtqueue*>(self);
      detail::call(queue->handle_, queue->opaque_);
    };
    callbacks.io_poll_begin = [](void* self) { static_cast<Virtqueue*>(self)->suppress_kicks(); };
    callbacks.io_poll_end = [](void* self) { static_cast<Virtqueue*>(self)->allow_kicks(); };
  }
  handle_ = handle;
  opaque_ = opaque;
  context.set_event_notifier(ring_.kick, callbacks);
  context_ = &context;
  // While detached nobody looked, and kicks may have been suppressed.
  allow_kicks();
  ring_.kick.set();
}

void Virtqueue::detach() {
  if (!attached()) return;
  context_->remove_fd_handler(ring_.kick.fd());
  context_ = nullptr;
}

void Virtqueue::handle_kick() {
  if (ring_.kick.test_and_clear()) detail::call(handle_, opaque_);
}

void Virtqueue::suppress_kicks() { ring_.no_kick.store(true, std::memory_order_relaxed); }

/// The caller looks at the ring afterwards (R66; the notifier set by attach()).
void Virtqueue::allow_kicks() {
  ring_.no_kick.store(false, std::memory_order_relaxed);
  // Store buffering; pairs with the fence in VirtqueueDriver::kick().
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

std::optional<Virtqueue::Element> Virtqueue::pop() {
  const std::uint16_t count = available();
  if (count == 0 || broken_) return std::nullopt;
  const std::uint16_t id = ring_.available[ring_.slot(next_available_)];
  if (count > ring_.size() || id >= ring_.size()) {
    broken_ = true;
    return std::nullopt;
  }
  ++next_available_;
  return Element{id, ring_.buffers[id]};
}

void Virtqueue::push(std::uint32_t id, std::uint32_t written) {
  ring_.used[ring_.slot(next_used_++)] = {id, written};
  ring_.used_index.store(next_used_, std::memory_order_release);
}

void Virtqueue::notify_driver() {
  if (told_used_ == next_used_) return;
  told_used_ = next_used_;
  // Store buffering; pairs with the fence in VirtqueueDriver::allow_calls().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!ring_.no_call.load(std::memory_order_relaxed)) ring_.call.set();
}

// ---- the driver's end ----

VirtqueueDriver::VirtqueueDriver(VirtqueueRing& ring) : ring_(ring) {
  for (std::uint32_t id = ring.size(); id > 0; --id) free_ids_.push_back(id - 1);
}

std::optional<std::uint32_t> VirtqueueDriver::add(void* data, std::uint32_t size) {
  if (free_ids_.empty()) return std::nullopt;
  const std::uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  ring_.buffers[id] = {data, size};
  ring_.available[ring_.slot(next_available_++)] = static_cast<std::uint16_t>(id);
  ring_.available_index.store(next_available_, std::memory_order_release);
  return id;
}

bool VirtqueueDriver::kick() {
  if (told_available_ == next_available_) return false;
  told_available_ = next_available_;
  // Store buffering; pairs with the fence in Virtqueue::allow_kicks().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (ring_.no_kick.load(std::memory_order_relaxed)) return false;
  ring_.kick.set();
  return true;
}

std::optional<VirtqueueRing::Used> VirtqueueDriver::take_used() {
  if (ring_.used_index.load(std::memory_order_acquire) == next_used_) return std::nullopt;
  const VirtqueueRing::Used used = ring_.used[ring_.slot(next_used_++)];
  free_ids_.push_back(used.id);
  return used;
}

void VirtqueueDriver::suppress_calls() { ring_.no_call.store(true, std::memory_order_relaxed); }

void VirtqueueDriver::allow_calls() {
  ring_.no_call.store(false, std::memory_order_relaxed);
  // Store buffering; pairs with the fence in Virtqueue::notify_driver().
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace aio
