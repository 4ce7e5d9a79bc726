// What operations on fds, their handlers and files, and io_uring requests do.
#include <unistd.h>

#include "observed.h"
#include "under_test.h"

namespace properties {

using aiosim::UnderTestScope;

void Interpreter::run_fd_op(int thread, const Op& op) {
  switch (op.verb) {
    case Verb::signal:
      return signal(thread, op);
    case Verb::hang_up:
      return hang_up(thread, op);
    case Verb::add_fd:
    case Verb::modify_fd:
    case Verb::remove_fd:
      return change_handler(thread, op);
    case Verb::set_hooks:
    case Verb::clear_hooks:
      return change_hooks(thread, op);
    case Verb::close_fd:
    case Verb::open_fd:
    case Verb::recycle_fd:
      return change_file(thread, op);
    case Verb::nop_request:
    case Verb::timeout_request:
    case Verb::watch_request:
    case Verb::bad_request:
      return own_request(thread, op);
    case Verb::again:
      return add_again();
    default:
      return;  // keep: on_read and on_ready; options: read once
  }
}

void Interpreter::signal(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (fd.full) return;
  ++fd.signalling;
  if (fd.hung_up || fd.closed) {
    --fd.signalling;
    return;
  }
  aiosim::note("signal fd", op.index);
  observed(thread, {.verb = op.verb, .index = op.index}, [&] {
    ++fd.data;
    // A source that is being polled keeps its kicks to itself (R67, R96).
    const Registration* current = fd.current;
    if (current == nullptr || current->polling == 0) write_fd(fd.write_fd);
  });
  --fd.signalling;
}

/// Nobody may be writing: the number could be another fd's by then.
void Interpreter::hang_up(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (!fd.has_other_end()) return;
  if (fd.signalling.fetch_add(1) == 0 && !fd.closed && !fd.hung_up.exchange(true)) {
    aiosim::note("hang up fd", op.index);
    observed(thread, {.verb = op.verb, .index = op.index}, [&] { close(fd.write_fd); });
  }
  --fd.signalling;
}

/// Kicks may have been kept back for the handler before this one (R96).
void Interpreter::kick_if_data(FdState& fd) {
  if (fd.data == 0) return;
  ++fd.signalling;
  if (!fd.hung_up && !fd.closed) {
    const UnderTestScope scope;
    write_fd(fd.write_fd);
  }
  --fd.signalling;
}

void Interpreter::change_handler(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (fd.busy.exchange(true)) {  // one change at a time
    make_way();                  // home may come again and again until the other is done
    return;
  }
  const bool present = fd.registered;
  const bool wanted = op.verb == Verb::add_fd ? !present : present;
  const int number = op.verb == Verb::remove_fd || !wanted ? 0 : next_registration_++;
  if (wanted && number < max_registrations) {
    if (thread == 0) home_notified_ = true;
    if (op.verb == Verb::remove_fd) {
      Registration* old = fd.current.exchange(nullptr);
      fd.registered = false;
      aiosim::note("remove fd", op.index);
      observed(thread, {.verb = op.verb, .index = op.index, .a = registration_number(*old)},
               [&] { loop_->remove_fd_handler(fd.read_fd); });
    } else {
      Registration& handler = registrations_[static_cast<std::size_t>(number)];
      handler.fd = op.index;
      handler.write = op.write && !fd.pipe;
      handler.read = !(handler.write && fd.full);
      handler.pollable = op.pollable && handler.read;
      handler.stale = fd.closed.load();
      const Registration* old = fd.current.exchange(&handler);
      FdCallbacks callbacks;
      if (handler.read) callbacks.read = on_read;
      if (handler.write) callbacks.write = on_write;
      const bool alone = (module_.offers & offers_pollable_handlers) != 0 && number % 2 != 0;
      if (alone && !handler.pollable) callbacks.poll = on_poll_alone;
      if (handler.pollable) {
        callbacks.poll = on_poll;
        callbacks.poll_ready = on_ready;
        callbacks.begin = begin_of(0);
        callbacks.end = end_of(0);
      }
      aiosim::note(present ? "modify fd" : "add fd", op.index);
      Observation seen{.verb = op.verb, .index = op.index, .a = number};
      seen.b = (handler.pollable ? 1 : 0) | (handler.write ? 2 : 0) | (handler.stale ? 4 : 0);
      seen.c = old != nullptr ? registration_number(*old) : -1;
      observed(thread, seen, [&] { loop_->set_fd_handler(fd.read_fd, callbacks, &handler); });
      fd.registered = true;
      kick_if_data(fd);
    }
  }
  fd.busy = false;
}

/// It counts as replacing the handler, but what its source kept back the loop has to find itself,
/// by the last poll of the old hooks (D7): no kick follows.
void Interpreter::change_hooks(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (fd.busy.exchange(true)) {
    make_way();
    return;
  }
  Registration* current = fd.registered ? fd.current.load() : nullptr;
  if (current == nullptr || current->hooks + 1 < max_hooks) {
    Observation seen{.verb = op.verb, .index = op.index, .a = -1};
    int hooks = 0;
    if (current != nullptr) {
      if (thread == 0) home_notified_ = true;
      hooks = ++current->hooks;
      seen.a = registration_number(*current);
      seen.c = hooks;
    }
    const bool none = op.verb == Verb::clear_hooks;
    aiosim::note(none ? "clear hooks of fd" : "set hooks of fd", op.index);
    observed(thread, seen, [&] {
      loop_->set_poll_hooks(fd.read_fd, none ? nullptr : begin_of(hooks),
                            none ? nullptr : end_of(hooks));
    });
  }
  fd.busy = false;
}

/// Of another file under the same number its handler has not been told: what it may still hear is
/// the kernel's affair, until it is set again.
void Interpreter::change_file(int thread, const Op& op) {
  FdState& fd = fds_[static_cast<std::size_t>(op.index)];
  if (fd.busy.exchange(true)) {
    make_way();
    return;
  }
  const bool opens = op.verb == Verb::open_fd;
  const bool possible = fd.closed == opens;
  if (possible && !opens) fd.closed = true;  // who comes to write or read now, does not
  if (!possible || fd.signalling != 0) {
    if (possible && !opens) fd.closed = false;
  } else {
    Registration* current = fd.current;
    const char* what = opens ? "open fd" : op.verb == Verb::close_fd ? "close fd" : "recycle fd";
    aiosim::note(what, op.index);
    Observation seen{.verb = op.verb, .index = op.index, .a = -1};
    if (current != nullptr) {
      current->stale = true;
      seen.a = registration_number(*current);
    }
    observed(thread, seen, [&] {
      const aiosim::HarnessScope harness;
      if (!opens) {
        fd.data = 0;
        const bool told = close_own_end(fd);
        if (!told && thread == 0) recorder_.add(0, {.what = What::stays_open, .index = op.index});
        close_other_end(fd);
      }
      if (op.verb != Verb::close_fd) open_again(fd);
    });
  }
  fd.busy = false;
}

/// A new file under the old number, if that is the lowest free one. It is not moved there by
/// dup(2): whoever watches the number that it had before would never get rid of it (epoll(7)).
void Interpreter::open_again(FdState& fd) {
  FdState fresh;
  fresh.pipe = fd.pipe;
  fresh.full = fd.full;
  if (!make_file(fresh)) return;
  if (fresh.read_fd != fd.read_fd) return close_file(fresh);
  fd.write_fd = fresh.write_fd;
  fd.hung_up = false;
  fd.closed = false;
}

// ---- io_uring requests of the program's own ----

void Interpreter::own_request(int thread, const Op& op) {
  const int number = next_own_++;
  if (number >= max_instances) return;
  Own& own = own_[static_cast<std::size_t>(number)];
  own.number = op.index;
  own.verb = op.verb;
  own.ns = op.amount;
  using Kind = RingOperation::Kind;
  RingOperation operation{.kind = Kind::nop, .fd = -1, .ns = op.amount};
  if (op.verb == Verb::timeout_request) operation.kind = Kind::timeout;
  if (op.verb == Verb::watch_request || op.verb == Verb::bad_request) operation.kind = Kind::poll;
  if (op.verb == Verb::watch_request) {
    operation.fd = fds_[static_cast<std::size_t>(op.index)].read_fd;
  }
  {
    const UnderTestScope scope;
    own.handle = loop_->new_request(operation, on_own, &own);
  }
  if (own.handle != nullptr) add_own(thread, own);
}

void Interpreter::add_own(int thread, Own& own) {
  aiosim::note("own request added", own.number);
  own.pending = true;
  own.outstanding = own.verb != Verb::watch_request;  // nobody need make its fd readable
  Observation seen{.verb = own.verb, .index = own.number, .a = &own - own_.data()};
  seen.b = own.ns;
  bool added = false;
  observed(thread, seen, [&] { added = loop_->add_request(own.handle); });
  if (added && thread == 0) home_notified_ = true;
  if (added) return;
  recorder_.add(thread, {.what = What::no_ring});
  own.pending = own.outstanding = false;
  free_own(own);
}

/// The request whose completion runs, from inside.
void Interpreter::add_again() {
  if (completed_ == nullptr) return;
  Own& own = *completed_;
  completed_ = nullptr;
  add_own(0, own);
}

void Interpreter::free_own(Own& own) {
  const UnderTestScope scope;
  module_.free_request(own.handle);
}

}  // namespace properties
