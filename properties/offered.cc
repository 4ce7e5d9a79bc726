// What of a program a backend is asked to do: what it does not offer comes to nothing.
#include "program.h"
#include "properties/backend.h"

namespace properties {
namespace {

constexpr struct {
  Offers bit;
  const char* word;
} offer_words[] = {
    {offers_bottom_halves, "bottom halves"},
    {offers_idle_bh, "idle bottom halves"},
    {offers_cancel, "cancel"},
    {offers_oneshot, "one-shots"},
    {offers_nested_poll, "nested poll"},
    {offers_fd_handlers, "fd handlers"},
    {offers_pollable_handlers, "pollable handlers"},
    {offers_busy_polling, "busy polling"},
    {offers_timers, "timers"},
    {offers_progress_value, "progress value"},
    {offers_slice_order_lifo, "newest first in a slice"},
    {offers_exact_timeout, "exact timeouts"},
    {offers_wait_kick, "wait and kick"},
    {offers_quiet_notify, "quiet notify"},
    {offers_one_write_a_sleep, "one write a sleep"},
    {offers_adaptive_polling, "adaptive polling"},
    {offers_polling_beside_fds, "polling beside plain fds"},
    {offers_poll_hooks, "other poll hooks"},
    {offers_closed_fds, "closed fds"},
    {offers_ring_requests, "own io_uring requests"},
    {offers_hold_timers, "held timers"},
    {offers_thread_pool, "thread pool"},
    {offers_coroutines, "coroutines"},
    {offers_virtqueue, "virtqueue"},
    {offers_loop_threads, "threads with a loop"},
    {offers_linux_aio, "Linux AIO"},
    {offers_lock_count, "lock count"},
    {offers_reentrancy_guard, "re-entrancy guard"},
    {offers_handlers_to_the_end, "handlers to the end"},
    {offers_idle_removal, "idle removal"},
};

std::uint32_t needed_by(Verb verb) {
  switch (verb) {
    case Verb::schedule:
    case Verb::delete_bh:
      return offers_bottom_halves;
    case Verb::schedule_idle:
      return offers_bottom_halves | offers_idle_bh;
    case Verb::cancel:
      return offers_bottom_halves | offers_cancel;
    case Verb::oneshot:
      return offers_oneshot;
    case Verb::signal:
    case Verb::hang_up:
    case Verb::keep:
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
    case Verb::handler:
      return offers_fd_handlers;
    case Verb::close_fd:
    case Verb::open_fd:
    case Verb::recycle_fd:
      return offers_fd_handlers | offers_closed_fds;
    case Verb::set_hooks:
    case Verb::clear_hooks:
      return offers_fd_handlers | offers_poll_hooks;
    case Verb::arm:
    case Verb::disarm:
      return offers_timers;
    case Verb::hold_timers:
    case Verb::release_timers:
      return offers_timers | offers_hold_timers;
    case Verb::set_flag:
    case Verb::wait_flag:
      return offers_wait_kick;
    case Verb::nop_request:
    case Verb::timeout_request:
    case Verb::watch_request:
    case Verb::bad_request:
    case Verb::again:
      return offers_ring_requests;
    case Verb::set_poll_max:
      return offers_busy_polling;
    case Verb::poll_max_of_wait:
      return offers_busy_polling | offers_adaptive_polling;
    default:
      return 0;
  }
}

std::uint32_t needed_by(Role role) {
  switch (role) {
    case Role::bh:
      return offers_bottom_halves;
    case Role::fd:
      return offers_fd_handlers;
    case Role::timer:
      return offers_timers;
    case Role::oneshot:
      return offers_oneshot;
    case Role::own:
      return offers_ring_requests;
    default:
      return 0;
  }
}

bool polls(Verb verb) {
  return verb == Verb::poll || verb == Verb::poll_blocking || verb == Verb::wait_flag;
}

}  // namespace

Case offered(Case program, std::uint32_t offers) {
  const auto missing = [offers](std::uint32_t needed) { return (needed & ~offers) != 0; };
  std::erase_if(program.parts, [&](const Part& part) { return missing(needed_by(part.role)); });
  for (Part& part : program.parts) {
    const bool nests = needed_by(part.role) != 0 && missing(offers_nested_poll);
    std::erase_if(part.ops, [&](const Op& op) {
      return missing(needed_by(op.verb)) || (nests && polls(op.verb));
    });
    for (Op& op : part.ops) op.pollable = op.pollable && !missing(offers_pollable_handlers);
  }
  return program;
}

std::vector<std::string> words_of(std::uint32_t offers) {
  std::vector<std::string> out;
  for (const auto& offer : offer_words) {
    if ((offers & offer.bit) != 0) out.emplace_back(offer.word);
  }
  return out;
}

}  // namespace properties
