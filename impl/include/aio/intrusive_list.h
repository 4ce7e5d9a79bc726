// A doubly linked list whose links live in the elements: no allocation, O(1) unlink without knowing
// the list. Not synchronised; its user says which thread or lock owns it.
#pragma once

namespace aio {

/// One membership of `owner` in at most one list at a time.
template <typename T>
class ListHook {
 public:
  explicit ListHook(T* owner) : owner_(owner) {}
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  [[nodiscard]] bool linked() const { return next_ != nullptr; }
  [[nodiscard]] T* owner() const { return owner_; }
  [[nodiscard]] ListHook* next() const { return next_; }

  /// Leaves the list it is on; nothing if it is on none.
  void unlink() {
    if (!linked()) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <typename>
  friend class IntrusiveList;

  void insert_after(ListHook* position) {
    prev_ = position;
    next_ = position->next_;
    prev_->next_ = this;
    next_->prev_ = this;
  }

  T* owner_;
  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

template <typename T>
class IntrusiveList {
 public:
  using Hook = ListHook<T>;

  IntrusiveList() : sentinel_(nullptr) { sentinel_.prev_ = sentinel_.next_ = &sentinel_; }
  ~IntrusiveList() {
    while (!empty()) begin()->unlink();
    sentinel_.next_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  [[nodiscard]] bool empty() const { return sentinel_.next_ == &sentinel_; }
  [[nodiscard]] Hook* begin() const { return sentinel_.next_; }
  [[nodiscard]] const Hook* end() const { return &sentinel_; }

  /// The element must be on no list.
  void push_front(Hook& hook) { hook.insert_after(&sentinel_); }
  void push_back(Hook& hook) { hook.insert_after(sentinel_.prev_); }

  /// Unlinks and returns the first element, null if there is none.
  T* pop_front() {
    if (empty()) return nullptr;
    Hook* hook = begin();
    hook->unlink();
    return hook->owner();
  }

 private:
  Hook sentinel_;
};

}  // namespace aio
