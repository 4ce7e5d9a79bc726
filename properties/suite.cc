#include "suite.h"

#include <string>
#include <utility>

#include "rules.h"
#include "scenario.h"

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

void describe_backend(aiosim::Backend& backend) {
  const auto& module = *static_cast<const BackendModule*>(backend.module->entry());
  if (module.abi != backend_abi) {
    throw aiosim::BadInput(backend.module->file() + ": expected a backend module of version " +
                           std::to_string(backend_abi) + ", found version " +
                           std::to_string(module.abi));
  }
  backend.name = module.name;
  backend.forked = module.forked;
  for (const auto& offer : offer_words) {
    if ((module.offers & offer.bit) != 0) backend.offers.emplace_back(offer.word);
  }
}

}  // namespace

aiosim::Suite make_suite() {
  aiosim::Suite suite;
  for (Scenario& scenario : scenarios()) {
    suite.properties.push_back(make_property(std::move(scenario)));
  }
  suite.rules = rules();
  suite.entry_symbol = "aiosim_backend";
  suite.describe = describe_backend;
  return suite;
}

}  // namespace properties
