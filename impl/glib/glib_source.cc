#include "aio/glib_source.h"

namespace aio {

struct GlibSource::Source {
  GSource base;
  GlibSource* self;
};

GSourceFuncs GlibSource::functions_{prepare, check, dispatch, nullptr, nullptr, nullptr};

GlibSource& GlibSource::self(GSource* source) { return *reinterpret_cast<Source*>(source)->self; }

GlibSource::GlibSource(Context& context, const char* name)
    : loop_(context), source_(g_source_new(&functions_, sizeof(Source))) {
  reinterpret_cast<Source*>(source_)->self = this;
  g_source_set_name(source_, name);
}

GlibSource::~GlibSource() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

gboolean GlibSource::prepare(GSource* source, int* timeout_ms) noexcept {
  GlibSource& self_ = self(source);
  *timeout_ms = self_.loop_.prepare();
  self_.watch_what_is_registered();
  return FALSE;
}

gboolean GlibSource::check(GSource* source) noexcept {
  GlibSource& self_ = self(source);
  bool ready = false;
  for (const Watch& watch : self_.watches_) ready = ready || self_.seen(watch) != 0;
  return self_.loop_.check(ready) ? TRUE : FALSE;
}

gboolean GlibSource::dispatch(GSource* source, GSourceFunc, void*) noexcept {
  GlibSource& self_ = self(source);
  for (const Watch& watch : self_.watches_) {
    const short revents = self_.seen(watch);
    if (revents != 0) self_.loop_.report(watch.fd, watch.generation, revents);
  }
  self_.loop_.dispatch();
  return G_SOURCE_CONTINUE;
}

short GlibSource::seen(const Watch& watch) const {
  return static_cast<short>(g_source_query_unix_fd(source_, watch.tag));
}

/// Both lists are in the order of registration, the latest first: one pass over the two.
void GlibSource::watch_what_is_registered() {
  auto old = watches_.begin();
  next_watches_.clear();
  const auto forget_until = [&](std::uint64_t generation) {
    for (; old != watches_.end() && old->generation > generation; ++old) {
      g_source_remove_unix_fd(source_, old->tag);
    }
  };
  loop_.for_each_watch([&](const ForeignLoop::Watch& wanted) {
    forget_until(wanted.generation);
    if (old != watches_.end() && old->generation == wanted.generation) {
      next_watches_.push_back(*old++);
      return;
    }
    const auto condition = static_cast<GIOCondition>(wanted.events);  // poll(2)'s values
    next_watches_.push_back(
        {wanted.fd, wanted.generation, g_source_add_unix_fd(source_, wanted.fd, condition)});
  });
  forget_until(0);
  watches_.swap(next_watches_);
}

}  // namespace aio
