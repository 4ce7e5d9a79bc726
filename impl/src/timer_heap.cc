// A pairing heap: the smallest timer is the root; each timer's children are a list, and each child
// knows what is before it in that list (the first: its parent), so that any can leave.
#include "aio/timer.h"

namespace aio {

bool TimerHeap::before(const Timer& a, const Timer& b) {
  if (a.deadline_ns_ != b.deadline_ns_) return a.deadline_ns_ < b.deadline_ns_;
  return a.order_ < b.order_;
}

/// Joins two trees whose roots have no siblings; either may be null.
Timer* TimerHeap::meld(Timer* a, Timer* b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  Timer* parent = before(*b, *a) ? b : a;
  Timer* child = parent == a ? b : a;
  child->sibling_ = parent->child_;
  if (child->sibling_ != nullptr) child->sibling_->back_ = child;
  child->back_ = parent;
  parent->child_ = child;
  return parent;
}

/// Joins a list of siblings: in pairs from the left, then the pairs from the right.
Timer* TimerHeap::meld_children(Timer* first) {
  Timer* pairs = nullptr;  // linked by sibling_, the last pair first
  while (first != nullptr) {
    Timer* a = first;
    Timer* b = a->sibling_;
    first = b != nullptr ? b->sibling_ : nullptr;
    a->sibling_ = a->back_ = nullptr;
    if (b != nullptr) b->sibling_ = b->back_ = nullptr;
    Timer* pair = meld(a, b);
    pair->sibling_ = pairs;
    pairs = pair;
  }
  Timer* root = nullptr;
  while (pairs != nullptr) {
    Timer* pair = pairs;
    pairs = pair->sibling_;
    pair->sibling_ = nullptr;
    root = meld(root, pair);
  }
  return root;
}

void TimerHeap::insert(Timer& timer) {
  timer.child_ = timer.sibling_ = timer.back_ = nullptr;
  root_ = meld(root_, &timer);
}

void TimerHeap::remove(Timer& timer) {
  Timer* children = meld_children(timer.child_);
  timer.child_ = nullptr;
  if (root_ == &timer) {
    root_ = children;
    return;
  }
  Timer*& link = timer.back_->child_ == &timer ? timer.back_->child_ : timer.back_->sibling_;
  link = timer.sibling_;
  if (timer.sibling_ != nullptr) timer.sibling_->back_ = timer.back_;
  timer.sibling_ = timer.back_ = nullptr;
  root_ = meld(root_, children);
}

}  // namespace aio
