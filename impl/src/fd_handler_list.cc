#include "aio/fd_handler_list.h"

#include <poll.h>

#include <memory>

#include "aio/fd_monitor.h"
#include "check.h"

namespace aio {

namespace {

FdCallbacks without_unusable_poll(FdCallbacks callbacks) {
  if (callbacks.io_poll_ready == nullptr) callbacks.io_poll = nullptr;  // R54
  return callbacks;
}

bool has_use(const FdCallbacks& callbacks) {
  return callbacks.io_read != nullptr || callbacks.io_write != nullptr ||
         without_unusable_poll(callbacks).io_poll != nullptr;
}

short wanted_events(const FdCallbacks& callbacks) {
  int events = 0;
  if (callbacks.io_read != nullptr) events |= POLLIN | POLLHUP | POLLERR;
  if (callbacks.io_write != nullptr) events |= POLLOUT | POLLERR;
  return static_cast<short>(events);
}

}  // namespace

FdHandler::FdHandler(int fd_number, const FdCallbacks& wanted)
    : fd(fd_number), callbacks(without_unusable_poll(wanted)), events(wanted_events(wanted)) {}

FdHandlerList::~FdHandlerList() {
  FdHandler* handler = head_.load(std::memory_order_acquire);
  while (handler != nullptr) {
    FdHandler* next = handler->next;
    delete handler;
    handler = next;
  }
}

void FdHandlerList::set(int fd, const FdCallbacks& callbacks, bool is_notifier) {
  AIO_CHECK(fd >= 0);
  std::unique_ptr<FdHandler> fresh;
  if (has_use(callbacks)) {
    fresh = std::make_unique<FdHandler>(fd, callbacks);
    fresh->is_notifier = is_notifier;
  }
  std::unique_ptr<FdHandler> gone;
  {
    const auto guard = lock();
    FdHandler* old_handler = find_live(fd);
    if (fresh == nullptr && old_handler == nullptr) return;
    const auto index = static_cast<std::size_t>(fd);
    if (by_fd_.size() <= index) by_fd_.resize(index + 1, nullptr);
    gone = replace(old_handler, fresh.release());
  }
  gate_.notify();
}

void FdHandlerList::set_poll_hooks(int fd, Callback io_poll_begin, Callback io_poll_end) {
  std::unique_ptr<FdHandler> gone;
  {
    const auto guard = lock();
    FdHandler* old_handler = find_live(fd);
    if (old_handler == nullptr) return;
    FdCallbacks callbacks = old_handler->callbacks;
    callbacks.io_poll_begin = io_poll_begin;
    callbacks.io_poll_end = io_poll_end;
    gone = replace(old_handler, new FdHandler(fd, callbacks));
  }
  gate_.notify();
}

FdHandler* FdHandlerList::find_live(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  return index < by_fd_.size() ? by_fd_[index] : nullptr;
}

/// Whether home, which visits nothing, has nothing to do with it either. Call with lock().
bool FdHandlerList::may_go_at_once(const FdHandler& removed) const {
  return visits() == 0 && !removed.polling_hook.linked() && !removed.ready_hook.linked() &&
         !monitor_->refers_to(removed);
}

/// One of the two may be null. What may be freed at once. Call with lock().
std::unique_ptr<FdHandler> FdHandlerList::replace(FdHandler* old_handler, FdHandler* new_handler) {
  if (new_handler != nullptr) new_handler->generation = next_generation_++;
  const int fd = (new_handler != nullptr ? new_handler : old_handler)->fd;
  by_fd_[static_cast<std::size_t>(fd)] = new_handler;
  if (new_handler != nullptr) {
    count(new_handler, true);
    link(new_handler);
  }
  // Before the old one is given up: the kernel must not name what can be freed.
  monitor_->update(old_handler, new_handler);
  if (old_handler == nullptr) return nullptr;
  count(old_handler, false);
  old_handler->deleted.store(true, std::memory_order_release);
  if (may_go_at_once(*old_handler)) {
    unlink(old_handler);
    return std::unique_ptr<FdHandler>(old_handler);
  }
  old_handler->removed_next = removed_;
  removed_ = old_handler;
  any_removed_.store(true, std::memory_order_release);
  return nullptr;
}

void FdHandlerList::link(FdHandler* handler) {
  FdHandler* head = head_.load(std::memory_order_relaxed);
  handler->next = head;
  if (head != nullptr) head->prev = handler;
  head_.store(handler, std::memory_order_release);  // pairs with first()
}

void FdHandlerList::unlink(FdHandler* handler) {
  if (handler->prev != nullptr) {
    handler->prev->next = handler->next;
  } else {
    head_.store(handler->next, std::memory_order_release);
  }
  if (handler->next != nullptr) handler->next->prev = handler->prev;
}

void FdHandlerList::count(const FdHandler* handler, bool appears) {
  if (handler->is_notifier) return;
  const std::size_t change = appears ? 1 : static_cast<std::size_t>(-1);
  live_.store(live() + change, std::memory_order_relaxed);
  if (!handler->pollable()) unpollable_.store(unpollable() + change, std::memory_order_relaxed);
}

FdHandler* FdHandlerList::take_removed() {
  const auto guard = lock();
  any_removed_.store(false, std::memory_order_relaxed);
  FdHandler* removed = removed_;
  removed_ = nullptr;
  return removed;
}

void FdHandlerList::end_visit(FdHandler* retired) {
  if (retired == nullptr) {
    lock_count_.dec();
    return;
  }
  const bool outermost = lock_count_.dec_if_lock();
  AIO_CHECK(outermost);
  for (FdHandler* handler = retired; handler != nullptr; handler = handler->removed_next) {
    unlink(handler);
  }
  lock_count_.unlock();
  while (retired != nullptr) {
    FdHandler* next = retired->removed_next;
    delete retired;
    retired = next;
  }
}

}  // namespace aio
