// Handover: what any thread hands to the home thread, which takes the oldest first.
//
//   any thread      push()
//   home thread     pop(), empty()
//
// Barriers: release push / acquire take-over: what was written before the push is visible after the
// pop. The take-over empties the list, so that no element is compared that came again (no ABA).
#pragma once

#include <atomic>

namespace aio {

template <typename T>
class Handover;

/// Base of T: an element is on one list at most, and may use `next_` while it is on none.
template <typename T>
class HandoverLink {
 protected:
  friend class Handover<T>;
  T* next_ = nullptr;
};

template <typename T>
class Handover {
 public:
  void push(T& element) {
    T* head = newest_.load(std::memory_order_relaxed);
    do {
      link(element) = head;
    } while (!newest_.compare_exchange_weak(head, &element, std::memory_order_release,
                                            std::memory_order_relaxed));
  }

  /// Null if there is none.
  T* pop() {
    if (oldest_ == nullptr) take_over();
    T* oldest = oldest_;
    if (oldest != nullptr) oldest_ = link(*oldest);
    return oldest;
  }

  [[nodiscard]] bool empty() const {
    return oldest_ == nullptr && newest_.load(std::memory_order_acquire) == nullptr;
  }

 private:
  static T*& link(HandoverLink<T>& element) { return element.next_; }

  void take_over() {
    T* newest = newest_.exchange(nullptr, std::memory_order_acquire);
    while (newest != nullptr) {
      T* older = link(*newest);
      link(*newest) = oldest_;
      oldest_ = newest;
      newest = older;
    }
  }

  std::atomic<T*> newest_{nullptr};  // linked towards the oldest
  T* oldest_ = nullptr;              // taken over, linked towards the newest; home thread
};

}  // namespace aio
