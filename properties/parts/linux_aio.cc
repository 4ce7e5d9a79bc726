// A program about Linux AIO (R94): file requests that home makes, holds back, cancels, waits for.
//
// Each request has eight words of the file to itself, so that what it moves can be told from what
// others move, in whatever order the kernel comes to them.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "fault/points.h"
#include "oracles/requests.h"
#include "parts/requests.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using oracles::RequestWhat;
using Kind = FileOperation::Kind;

constexpr std::size_t words = 8;
using Words = std::array<std::uint64_t, words>;
constexpr std::size_t bytes = sizeof(Words);

/// What is written to, or read from, the place of request `number`; never 0.
constexpr std::uint64_t word_of(int number, std::size_t i) {
  return (static_cast<std::uint64_t>(number) + 1) << 8 | i;
}

class AioRun final : public PartsRun {
 public:
  AioRun(const Case& program, const BackendModule& module)
      : PartsRun(program, module),
        ring_requests_(static_cast<unsigned>(
            std::max<std::int64_t>(1, program.option(Verb::ring_requests, 2)))),
        by_call_(has_option(program, Verb::by_call)) {}

  oracles::Finding judge() const override { return oracles::requests(log_.events(), {"R94"}); }

 private:
  static constexpr std::size_t max_instances = oracles::max_requests_seen;

  struct Instance {
    AioRun* self = nullptr;
    int number = 0;
    int kind = 0;
    FileRequest* handle = nullptr;
    bool outstanding = false;
    bool cancelled = false;
    bool bad = false;  // of an fd that nobody has
    Words words{};  // under test only
  };

  static bool has_option(const Case& program, Verb verb) {
    const Part* options = program.find(Role::options);
    if (options == nullptr) return false;
    return std::any_of(options->ops.begin(), options->ops.end(),
                       [verb](const Op& op) { return op.verb == verb; });
  }

  void reset() override {
    log_.reset();
    engine_ = nullptr;
    file_ = -1;
    used_ = 0;
    plugs_ = 0;
    in_done_ = 0;
    for (std::size_t i = 0; i < max_instances; ++i) {
      instances_[i] = {};
      instances_[i].self = this;
      instances_[i].number = static_cast<int>(i);
    }
  }

  void body() override {
    make_engine();
    {
      const UnderTestScope scope;
      file_ = memfd_create("requests", MFD_CLOEXEC);
    }
    if (file_ < 0) could_not_make(errno);
    run_part(Role::home);
    wait_for(0);
    unmake_engine();
    const UnderTestScope scope;
    close(file_);
  }

  void make_engine() {
    engine_ = made([&] { return parts_.make_file_engine(home_, ring_requests_, by_call_); });
  }
  void unmake_engine() {
    const UnderTestScope scope;
    delete engine_;
  }

  void run_op(const Op& op, int /*thread*/) override {
    switch (op.verb) {
      case Verb::submit:
        return submit(op.index);
      case Verb::submit_many:
        for (std::int64_t i = 0; i < op.amount; ++i) submit(op.index);
        return;
      case Verb::submit_bad:
        return submit(op.index, true);
      case Verb::cancel_all:
        return cancel_all();
      case Verb::cancel_request:
        return cancel(op.index);
      case Verb::wait_request:
        return wait_for(op.index);
      case Verb::plug:
        return plug();
      case Verb::unplug:
        return unplug();
      case Verb::renew_engine:
        wait_for(0);
        unmake_engine();
        return make_engine();
      case Verb::poll:
        return poll(false);
      case Verb::poll_blocking:
        if (depth_ < max_depth) pull_all_plugs();
        return poll(outstanding(0));
      case Verb::advance:
        return pass_time(op.amount);
      default:
        return;
    }
  }

  // ---- plugs: nobody waits under one ----

  void plug() {
    if (plugs_ == max_plugs) return;
    ++plugs_;
    aiosim::note("plug", plugs_);
    const UnderTestScope scope;
    engine_->plug();
  }

  void unplug() {
    if (plugs_ == 0) return;
    --plugs_;
    aiosim::note("unplug", plugs_);
    {
      const UnderTestScope scope;
      engine_->unplug();
    }
    look_for_held_back();
  }

  void pull_all_plugs() {
    while (plugs_ > 0) unplug();
  }

  /// What a callback asks for may be given to the kernel at its end.
  void look_for_held_back() {
    if (plugs_ > 0 || in_done_ > 0) return;
    bool holds_back = false;
    {
      const UnderTestScope scope;
      holds_back = engine_->holds_back();
    }
    log_.add(RequestWhat::let_go, 0, holds_back ? 1 : 0);
  }

  // ---- requests ----

  static off_t place_of(const Instance& it) { return static_cast<off_t>(bytes) * it.number; }

  void submit(int kind, bool bad = false) {
    if (used_ == max_instances) return;
    Instance& it = instances_[used_++];
    it.kind = kind;
    it.bad = bad;
    it.outstanding = true;
    aiosim::note("submit request", it.number, kind);
    log_.add(RequestWhat::submit, it.number);
    {
      const UnderTestScope scope;
      prepare(it);
      it.handle = engine_->begin(operation(it), on_done, &it);
    }
    log_.add(RequestWhat::submitted, it.number);
    look_for_held_back();
  }

  /// Under test.
  void prepare(Instance& it) {
    for (std::size_t i = 0; i < words; ++i) parts_.store(&it.words[i], word_of(it.number, i));
    if (it.kind != 1) return;
    for (std::size_t at = 0; at < bytes;) {
      const ssize_t n =
          pwrite(file_, it.words.data(), bytes - at, place_of(it) + static_cast<off_t>(at));
      if (n > 0) at += static_cast<std::size_t>(n);
    }
    for (std::uint64_t& word : it.words) parts_.store(&word, 0);
  }

  /// In two segments if it is odd.
  FileOperation operation(Instance& it) {
    const int fd = it.bad ? -1 : file_;
    if (it.kind == 3) return {Kind::sync, fd, {}, 0};
    const std::size_t first = it.number % 2 == 0 ? bytes : bytes / 4;
    char* const at = reinterpret_cast<char*>(it.words.data());
    return {it.kind == 1 ? Kind::read : Kind::write,
            fd,
            {{at, first}, {at + first, bytes - first}},
            place_of(it)};
  }

  void cancel(int kind) {
    cancel_newest(std::span(instances_).first(used_), kind, log_,
                  [this](FileRequest* handle) { return engine_->cancel(handle); });
  }

  void cancel_all() {
    for (std::size_t i = 0; i < used_; ++i) {
      Instance& it = instances_[i];
      if (!it.outstanding || it.cancelled) continue;
      cancel_one(it, log_, [this](FileRequest* handle) { return engine_->cancel(handle); });
    }
  }

  bool outstanding(int kind) const {
    return any_outstanding(std::span(instances_).first(used_), kind);
  }

  void wait_for(int kind) {
    if (depth_ == max_depth) return;
    poll_while([&] {
      pull_all_plugs();  // callbacks may have plugged
      return outstanding(kind);
    });
  }

  // ---- what the engine calls ----

  static void on_done(void* opaque, std::int64_t result) {
    const HarnessScope harness;
    auto& it = *static_cast<Instance*>(opaque);
    share();
    it.outstanding = false;
    const bool right = is_right(it, result);
    const bool moved = it.self->has_moved(it, result);
    it.self->log_.add(RequestWhat::done, it.number, right ? 1 : 0, moved ? 1 : 0);
    aiosim::note("request done", it.number, result);
    ++it.self->in_done_;
    it.self->run_calls(Role::done, it.kind);
    --it.self->in_done_;
    it.self->log_.add(RequestWhat::done_returned, it.number);
  }

  static bool is_right(const Instance& it, std::int64_t result) {
    using aiosim::fault::is_armed;
    using aiosim::fault::PointId;
    if (it.cancelled) return result == -ECANCELED;
    if (it.bad) return result == -EBADF;
    if (result == -EIO) return is_armed(PointId::aio_eio);
    if (it.kind == 3) return result == 0;
    constexpr auto all = static_cast<std::int64_t>(bytes);
    return result == all || (result == all / 2 && is_armed(PointId::aio_short));
  }

  /// Whether what is to have been moved is there.
  bool has_moved(Instance& it, std::int64_t result) {
    if (it.kind == 3 || result <= 0) return true;
    const UnderTestScope scope;
    Words there{};
    if (it.kind == 2) {
      if (pread(file_, there.data(), bytes, place_of(it)) < result) return false;
    } else {
      for (std::size_t i = 0; i < words; ++i) there[i] = parts_.load(&it.words[i]);
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(result) / sizeof there[0]; ++i) {
      if (there[i] != word_of(it.number, i)) return false;
    }
    return true;
  }

  static constexpr int max_plugs = 3;

  const unsigned ring_requests_;
  const bool by_call_;
  Log<RequestWhat> log_;
  FileEngine* engine_ = nullptr;
  int file_ = -1;
  int plugs_ = 0;    // of the program's
  int in_done_ = 0;  // callbacks on the stack
  std::array<Instance, max_instances> instances_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<PartsRun> make_aio_run(const Case& program, const BackendModule& module) {
  return std::make_unique<AioRun>(program, module);
}

}  // namespace properties
