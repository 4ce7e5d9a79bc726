#include "rules.h"

#include <iterator>

namespace properties {

namespace {

const aiosim::Rule table[] = {
    {"R3", "Whoever schedules notifies, whether or not the bottom half was pending already."},
    {"R4", "After a bottom half is pushed its scheduler does not touch it."},
    {"R5", "A bottom half is on at most one list at a time."},
    {"R6", "What a scheduler wrote before is visible to the callback."},
    {"R9", "Dequeue clears the flags before the callback runs."},
    {"R10", "A schedule during the callback makes another run."},
    {"R11", "A callback runs iff it was scheduled and not deleted."},
    {"R12", "A poll takes the whole incoming list once, and runs every slice to its end."},
    {"R13", "Within a slice the newest bottom half runs first."},
    {"R14", "Slices run oldest first: a nested poll finishes those of its callers before its own."},
    {"R15", "A bottom half scheduled by a callback waits for the next poll, nested or not."},
    {"R16", "A nested poll drains all slices."},
    {"R17", "Only bottom halves that are not idle are progress."},
    {"R19", "A cancelled bottom half is not called."},
    {"R20", "A deleted bottom half is not called, and goes in a later poll."},
    {"R21", "A bottom half may be deleted in its own callback."},
    {"R22", "A one-shot is called once and freed."},
    {"R24", "A pending bottom half keeps the loop from sleeping; an idle one for 10 ms at most."},
    {"R25", "The timeout is the sooner of bottom halves' and timers', infinite being latest."},
    {"R28", "A timeout is never rounded to nothing."},
    {"R36", "notify() writes the event fd only while the loop is going to sleep or sleeps."},
    {"R37", "A poll accepts notifications after its wait and before it looks at work."},
    {"R38", "The event fd is set whenever somebody sleeps and a notification is pending."},
    {"R39", "Being notified is not progress."},
    {"R40", "notify_me is raised for the wait alone, and notified is looked at again then."},
    {"R41", "What was raised before a wait is lowered after it."},
    {"R42", "Either the notifier sees the sleeper or the sleeper sees the notification."},
    {"R43", "Accepting makes the notifier's work visible."},
    {"R46", "A poll that is not to block does not sleep; bottom halves run before fds and timers."},
    {"R48", "poll() returns whether a callback other than the notifier's made progress."},
    {"R51", "A nested poll serves ready handlers once, at whatever depth."},
    {"R57", "Busy polling happens only for a time that is given and a timeout that is not 0."},
    {"R58", "A handler that is not pollable ends busy polling."},
    {"R59", "Busy polling ends after min(timeout, poll_max_ns)."},
    {"R60", "A poll function is only asked, never relied on to process."},
    {"R61", "Busy polling is taken off the timeout, not below 0 and not off an infinite one."},
    {"R66", "Polling mode is left, with one last poll, before the loop sleeps."},
    {"R68", "A handler in its poll_ready is neither polled nor called again by a nested poll."},
    {"R69", "No callback of a deleted handler starts, its poll function included."},
    {"R70", "Setting a handler replaces the one that the fd had."},
    {"R71", "Readable, hung up and broken call read; writable and broken call write."},
    {"R72", "Handlers may be set from any thread, and the sleeper takes them up."},
    {"R74", "Removed handlers live until the outermost poll ends."},
    {"R75", "After a handler's removal none of its callbacks starts."},
    {"R77", "Every callback invoked is progress."},
    {"R80", "Changing from ppoll to epoll and back loses nothing."},
    {"R89", "Timers run by deadline, then in the order armed, and not before their deadline."},
    {"R90", "A timer that becomes the next to expire wakes the sleeper."},
    {"R91", "Timers due at one reading of the clock run, each once an arming."},
    {"R97", "A loop that cannot be made leaves nothing behind and can be made later."},
    {"R98", "A loop at rest can be destroyed."},
    {"R100", "wait_while polls until its condition is false, and not longer."},
    {"R101", "A kick after a change of the condition ends the wait."},
    {"S14.1", "A completed notification ends the blocking poll, or keeps the next from blocking."},
    {"S14.2", "Every schedule is served by one call; each call serves all schedules before it."},
    {"S14.3", "Without new work at most two polls after a notification return at once."},
    {"S14.4", "Writes before schedule are visible in the callback."},
    {"S14.5", "Nothing is called, or touched, after its deletion."},
    {"S14.6", "The loop's own invariants hold: no assertion of it fails, nothing crashes."},
    {"S14.8", "A blocking poll returns no later than its deadline, whatever was spent polling."},
    {"S14.9", "An fd that stays readable is reported by every poll that looks."},
    {"S14.10", "No source believes that it is being polled while the loop sleeps."},
    {"D1", "Bottom halves run newest first within a slice, slices oldest first."},
    {"D2", "A plain schedule outranks an idle one in either order."},
    {"D6", "A poll that does not block asks every poll function."},
    {"D7", "io_poll_begin and io_poll_end alternate, whatever happens to the handler."},
    {"D8", "A signal does not end a blocking poll."},
    {"D9", "A timer that re-arms itself in the past runs again in the next poll, not in this."},
};

}  // namespace

std::vector<aiosim::Rule> rules() { return {std::begin(table), std::end(table)}; }

}  // namespace properties
