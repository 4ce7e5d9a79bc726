// NotifyGate: how any thread makes a sleeping loop wake, and how the loop avoids needless writes of
// the event fd (R35 to R42, today's protocol).
//
//   any thread      notify(), notify_pushed()
//   home thread     raise(), lower(), raise_foreign(), lower_foreign(), accept(), clear_event()
//   any thread      notified(), event(), notify_me() (a snapshot)
//
// State of the pair (notify_me, notified), n > 0 while the home thread is about to sleep or sleeps:
//
//     (0, no) --notify--> (0, yes)             no event fd write: the loop will look
//     (0, *)  --raise---> (n, *)               the caller must now test notified() before sleeping
//     (n, no) --notify--> (n, yes) + event fd write, which ends the sleep
//     (n, *)  --lower---> (0, *) --accept--> (0, no)     and then all work is looked at
//
// Invariants
//   1. notify_me is written by the home thread only, so its changes need no read-modify-write.
//   2. Between raise() and lower() the first notify() since accept() writes the event fd; it may
//      have begun before raise(). The others leave it to that one. After accept() nobody writes
//      until the next raise().
//   3. accept() precedes every look at the work (bottom halves, handlers, timers) of a poll.
//   4. The event fd may stay set after accept(): one later wait returns for nothing (R38). The
//      reverse, a sleeper whose event fd nobody will write although notified is set, cannot be.
//
// Barriers
//   (i)  full fence in notify() / full fence in raise() and raise_foreign(). Store buffering: the
//        producer sets notified and reads notify_me, the home thread sets notify_me and reads
//        notified. One of the two sees the other's store.
//        Who finds notified set writes nothing: the one who set it has this fence to come, or had
//        it before raise()'s, and then the home thread sees notified and does not sleep.
//   (ii) release fetch_or in notify() / acquire exchange in accept(). When accept() clears what a
//        producer set, it reads that very store or a later exchange of its release sequence, so
//        the work before the notify() is visible after accept(). A plain store would not do in
//        C++20: a second producer's store would end the first one's release sequence (R43).
//   (iii) release exchange in accept() / acquire fetch_or in notify(): who sets notified after it
//        sees lower() too, and writes nothing for a sleep that is over.
//   (iv) release store in lower() and lower_foreign(): the wait cannot sink below it.
//   (v)  acquire half of a push by read-modify-write, then the load in notify_pushed() / accept(),
//        then the release half of home's read-modify-write of the same word. What home's misses is
//        pushed after it, hence after accept(), and the load cannot find what that has cleared. So
//        a notification that the load finds is accepted before a look that sees the push, and the
//        load may be relaxed. It publishes nothing: what home does not reach through the push
//        wants (ii).
#pragma once

#include <atomic>
#include <cstdint>

#include "aio/event_notifier.h"

namespace aio {

class NotifyGate {
 public:
  /// Throws std::system_error if the event fd cannot be made (R97).
  NotifyGate() = default;

  NotifyGate(const NotifyGate&) = delete;
  NotifyGate& operator=(const NotifyGate&) = delete;

  /// Makes a wait in progress end, or the next one not begin (R36); writes the event fd at most
  /// once a sleep, whoever came first. Any thread; never blocks.
  void notify();

  /// notify() after a push (v): if somebody else has notified, no more than a look. The home thread
  /// follows each accept() by a read-modify-write of the word pushed to. Any thread.
  void notify_pushed() {
    if (!notified()) notify();
  }

  /// Announces a sleep (R40): from here notify() writes the event fd. Home thread.
  void raise();

  /// Takes one raise() back. Home thread.
  void lower();

  /// Announces that a foreign loop may sleep, or takes it back; twice is as good as once (R32,
  /// R33). Home thread.
  void raise_foreign();
  void lower_foreign();

  /// Forgets the notifications so far; their work is visible to the caller afterwards (R37).
  /// Does not touch the event fd. Home thread.
  void accept();

  /// Drains the event fd; how often it was written. Home thread.
  std::uint64_t clear_event() { return event_.take(); }

  /// Whether notify() came since the last accept(). A relaxed look (R44): ordering is raise()'s
  /// and accept()'s business.
  [[nodiscard]] bool notified() const { return notified_.load(std::memory_order_relaxed) != 0; }

  /// Twice the number of sleeps announced; bit 0 is a foreign loop's (R33).
  [[nodiscard]] std::uint32_t notify_me() const {
    return notify_me_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] const EventNotifier& event() const { return event_; }

 private:
  std::atomic<std::uint32_t> notify_me_{0};
  std::atomic<unsigned> notified_{0};  // 0 or 1; a word, because clang makes a store of an exchange
                                       // whose result nobody reads, and that is no RMW (R43)
  EventNotifier event_;
};

}  // namespace aio
