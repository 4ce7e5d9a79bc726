// GlibSource: a context as a source of GLib's main loop (R29 to R34). Needs GLib; a library of its
// own, aio::glib.
//
//   thread of the main context    everything but get()
//
// What ForeignLoop says of prepare, check and dispatch, done by GLib. Each fd of the context is
// watched by GLib itself, whatever the context's monitor: an iteration costs as many steps as there
// are fds, as GLib's own poll(2) does.
//
// Decided here: prepare never says "ready"; with a timeout of 0 GLib goes on to check, so that
// every dispatch comes after an accept (GLib leaves check out for a source that prepare called
// ready).
#pragma once

#include <glib.h>

#include <cstdint>
#include <vector>

#include "aio/foreign_loop.h"

namespace aio {

class GlibSource {
 public:
  /// `context` must outlive it. `name`: for GLib's debugging aids. Out of memory ends the process,
  /// as always in GLib.
  explicit GlibSource(Context& context, const char* name = "aio");

  /// Destroys the source. Not in a callback of the context.
  ~GlibSource();
  GlibSource(const GlibSource&) = delete;
  GlibSource& operator=(const GlibSource&) = delete;

  /// Has `main`, nullptr for the default one, serve the context; once. The thread that iterates
  /// `main` is the context's home thread.
  void attach(GMainContext* main = nullptr) { g_source_attach(source_, main); }

  /// For g_source_set_priority() and the like; still owned by this object.
  [[nodiscard]] GSource* get() const { return source_; }

 private:
  struct Source;  // GLib's part
  struct Watch {
    int fd;
    std::uint64_t generation;
    void* tag;  // GLib's
  };

  static gboolean prepare(GSource* source, int* timeout_ms) noexcept;
  static gboolean check(GSource* source) noexcept;
  static gboolean dispatch(GSource* source, GSourceFunc, void*) noexcept;
  static GlibSource& self(GSource* source);
  void watch_what_is_registered();
  [[nodiscard]] short seen(const Watch& watch) const;

  static GSourceFuncs functions_;
  ForeignLoop loop_;
  GSource* const source_;
  std::vector<Watch> watches_;  // in the order of ForeignLoop::for_each_watch()
  std::vector<Watch> next_watches_;
};

}  // namespace aio
