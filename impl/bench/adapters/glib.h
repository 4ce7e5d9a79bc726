// GLib.
#pragma once

#include <glib-unix.h>
#include <glib.h>

#include <cstdint>

#include "adapters/aio.h"

namespace bench {

class GlibLoop {
 public:
  static constexpr const char* name = "glib";

  GlibLoop() : context_(g_main_context_new()) {}
  ~GlibLoop() { g_main_context_unref(context_); }
  GlibLoop(const GlibLoop&) = delete;
  GlibLoop& operator=(const GlibLoop&) = delete;

  void poll() { g_main_context_iteration(context_, FALSE); }
  void wait() { g_main_context_iteration(context_, TRUE); }
  void settle() {}

  /// A source made for each call, as g_idle_add() and g_main_context_invoke() do.
  class Task {
   public:
    Task(GlibLoop& loop, Callback callback, void* opaque)
        : loop_(loop), callback_(callback), opaque_(opaque) {}
    void schedule() {
      GSource* source = g_idle_source_new();
      g_source_set_priority(source, G_PRIORITY_DEFAULT);
      const auto call = [](gpointer task) -> gboolean {
        const auto* self = static_cast<const Task*>(task);
        self->callback_(self->opaque_);
        return G_SOURCE_REMOVE;
      };
      g_source_set_callback(source, call, this, nullptr);
      g_source_attach(source, loop_.context_);
      g_source_unref(source);
    }

   private:
    GlibLoop& loop_;
    const Callback callback_;
    void* const opaque_;
  };

  /// A source that stays attached; its ready time says when to call.
  class Timer {
   public:
    Timer(GlibLoop& loop, Callback callback, void* opaque)
        : source_(g_source_new(&functions, sizeof(Source))) {
      auto* source = reinterpret_cast<Source*>(source_);
      source->callback = callback;
      source->opaque = opaque;
      g_source_attach(source_, loop.context_);
    }
    ~Timer() {
      g_source_destroy(source_);
      g_source_unref(source_);
    }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void start(std::int64_t delay_ns) {
      g_source_set_ready_time(source_, g_get_monotonic_time() + delay_ns / 1000);
    }
    void cancel() { g_source_set_ready_time(source_, -1); }

   private:
    struct Source {
      GSource base;
      Callback callback;
      void* opaque;
    };
    static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
      g_source_set_ready_time(source, -1);
      const auto* self = reinterpret_cast<Source*>(source);
      self->callback(self->opaque);
      return G_SOURCE_CONTINUE;
    }
    inline static GSourceFuncs functions{nullptr, nullptr, dispatch, nullptr, nullptr, nullptr};

    GSource* const source_;
  };

  class Watch {
   public:
    Watch(GlibLoop& loop, int fd, Callback callback, void* opaque)
        : callback_(callback), opaque_(opaque), source_(g_unix_fd_source_new(fd, G_IO_IN)) {
      const GUnixFDSourceFunc ready = [](int, GIOCondition, gpointer watch) -> gboolean {
        const auto* self = static_cast<const Watch*>(watch);
        self->callback_(self->opaque_);
        return G_SOURCE_CONTINUE;
      };
      g_source_set_callback(source_, G_SOURCE_FUNC(ready), this, nullptr);
      g_source_attach(source_, loop.context_);
    }
    ~Watch() {
      g_source_destroy(source_);
      g_source_unref(source_);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    const Callback callback_;
    void* const opaque_;
    GSource* const source_;
  };

 private:
  GMainContext* const context_;
};

}  // namespace bench
