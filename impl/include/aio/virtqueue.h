// Virtqueue: a split virtqueue (virtio 1.1, 2.6) as a pollable source of a context: the device's
// end, which the loop serves, and the driver's end, which a guest uses (R96).
//
//   home thread of the context    Virtqueue, all of it
//   one driver thread             VirtqueueDriver, all of it
//
// The two ends share a VirtqueueRing: the driver publishes buffers by `available_index`, the device
// gives them back by `used_index`. Each end tells the other by an event notifier, kick and call,
// unless the other has asked not to be told:
//
//     driver: publish; full fence; read no_kick  -> set kick unless asked not to
//     device: allow kicks; full fence; look again at available_index
//
// Store buffering: one of the two sees the other's store, so that a buffer is either kicked for or
// found. The same with the roles exchanged for call.
//
// Invariants
//   1. Kicks are suppressed only between io_poll_begin and io_poll_end: never while the context
//      sleeps in the kernel (R66).
//   2. Each buffer belongs to one end; publishing (release) and seeing it (acquire) hand it over.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "aio/context.h"
#include "aio/event_notifier.h"

namespace aio {

/// The memory that both ends share, and their notifiers. Indexes run freely and wrap at 2^16.
class VirtqueueRing {
 public:
  /// `size`: entries, a power of two from 1 to 32,768. Throws std::invalid_argument,
  /// std::bad_alloc, std::system_error (the notifiers).
  explicit VirtqueueRing(std::uint16_t size);

  struct Buffer {
    void* data;
    std::uint32_t size;
  };
  struct Used {
    std::uint32_t id;       // of the buffer
    std::uint32_t written;  // bytes
  };

  [[nodiscard]] std::uint16_t size() const { return static_cast<std::uint16_t>(buffers.size()); }
  [[nodiscard]] std::size_t slot(std::uint16_t index) const { return index & (size() - 1U); }

  // Written by the driver. Pairs: release publish / acquire look, and the fences above.
  std::vector<Buffer> buffers;           // by buffer id
  std::vector<std::uint16_t> available;  // by slot: buffer ids
  std::atomic<std::uint16_t> available_index{0};
  std::atomic<bool> no_call{false};

  // Written by the device.
  std::vector<Used> used;  // by slot
  std::atomic<std::uint16_t> used_index{0};
  std::atomic<bool> no_kick{false};

  EventNotifier kick;  // driver to device
  EventNotifier call;  // device to driver
};

/// The device's end.
class Virtqueue {
 public:
  struct Element {
    std::uint32_t id;
    VirtqueueRing::Buffer buffer;
  };

  /// `ring` must outlive it. Not attached.
  explicit Virtqueue(VirtqueueRing& ring) : ring_(ring) {}
  /// detach().
  ~Virtqueue() { detach(); }
  Virtqueue(const Virtqueue&) = delete;
  Virtqueue& operator=(const Virtqueue&) = delete;

  enum class Polling {
    yes,
    no,  ///< for a queue that is normally not empty (receive, events): polling it would spin
  };

  /// Calls `handle(opaque)` in the home thread whenever buffers may have become available; it
  /// should pop() until there are none. Buffers that are available already count. Home
  /// thread. Throws std::bad_alloc, not attached then.
  void attach(Context& context, Callback handle, void* opaque, Polling polling = Polling::yes);

  /// No call of `handle` starts afterwards. Kicks may stay suppressed. Home thread. (R67)
  void detach();

  [[nodiscard]] bool attached() const { return context_ != nullptr; }

  /// The next available buffer, in the driver's order; none if there is none, or if the queue is
  /// broken. Home thread.
  std::optional<Element> pop();

  /// Whether the driver published what cannot be: a buffer id outside the ring, or more buffers
  /// than there are. A guest must not be able to end its host: the queue only stops. Home thread.
  [[nodiscard]] bool broken() const { return broken_; }

  /// Gives a popped buffer back, `written` bytes of it filled. Any order. Home thread.
  void push(std::uint32_t id, std::uint32_t written);

  /// Tells the driver of what was pushed since the last time, unless it asked not to be told. Home
  /// thread.
  void notify_driver();

 private:
  [[nodiscard]] std::uint16_t available() const {
    return static_cast<std::uint16_t>(ring_.available_index.load(std::memory_order_acquire) -
                                      next_available_);
  }
  void handle_kick();
  void suppress_kicks();
  void allow_kicks();

  VirtqueueRing& ring_;
  Context* context_ = nullptr;
  Callback handle_ = nullptr;
  void* opaque_ = nullptr;
  std::uint16_t next_available_ = 0;
  std::uint16_t next_used_ = 0;
  std::uint16_t told_used_ = 0;
  bool broken_ = false;
};

/// The driver's end: what a guest does.
class VirtqueueDriver {
 public:
  explicit VirtqueueDriver(VirtqueueRing& ring);

  /// Publishes a buffer; its id, or none if all are with the device. The buffer is the device's
  /// until take_used() gives its id back.
  std::optional<std::uint32_t> add(void* data, std::uint32_t size);

  /// Tells the device of what was added since the last time, unless it suppresses kicks. True iff
  /// the notifier was set.
  bool kick();

  /// A buffer that the device gave back, oldest first.
  std::optional<VirtqueueRing::Used> take_used();

  /// Asks the device not to set the call notifier, or to do so again. After enabling look once more
  /// with take_used(): what came before may not have been told.
  void suppress_calls();
  void allow_calls();

 private:
  VirtqueueRing& ring_;
  std::vector<std::uint32_t> free_ids_;
  std::uint16_t next_available_ = 0;
  std::uint16_t told_available_ = 0;
  std::uint16_t next_used_ = 0;
};

}  // namespace aio
