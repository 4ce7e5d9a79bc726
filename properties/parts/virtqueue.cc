// A program about a virtqueue (R96, R66, R67): a guest's thread is the driver, home the device.
#include <poll.h>

#include <vector>

#include "oracles/buffers.h"
#include "parts/log.h"
#include "parts/loops.h"
#include "parts/run.h"

namespace properties {
namespace {

using aiosim::HarnessScope;
using aiosim::UnderTestScope;
using What = oracles::QueueWhat;

constexpr int guest = 1;
constexpr std::uint64_t given_to(int number) { return 100 + static_cast<std::uint64_t>(number); }
constexpr std::uint64_t made_by(int number) { return 200 + static_cast<std::uint64_t>(number); }

class QueueRun final : public PartsRun {
 public:
  QueueRun(const Case& program, const BackendModule& module)
      : PartsRun(program, module),
        size_(static_cast<std::uint16_t>(1U << program.option(Verb::queue_bits, 1))),
        polling_(!has_option(program, Verb::without_polling)) {}

  oracles::Finding judge() const override { return oracles::buffers(log_.events()); }

 private:
  static constexpr int max_buffers = 40;  // in a run

  struct Buffer {
    int number = 0;
    std::uint64_t in = 0;  // under test only: driver to device
    std::uint64_t out = 0;
  };
  struct Popped {
    std::uint32_t id;
    Buffer* buffer;
  };

  static bool has_option(const Case& program, Verb verb) {
    const Part* options = program.find(Role::options);
    if (options == nullptr) return false;
    for (const Op& op : options->ops) {
      if (op.verb == verb) return true;
    }
    return false;
  }

  void reset() override {
    log_.reset();
    for (int i = 0; i < max_buffers; ++i) buffers_[static_cast<std::size_t>(i)] = {i, 0, 0};
    ids_ = {};
    used_ = with_device_ = untold_ = 0;
    attached_ = deferring_ = false;
    deferred_ = 0;
    held_.clear();
    home_calls_ = 0;
  }

  void body() override {
    queue_ = made([this] { return parts_.make_queue(home_, size_); });
    aiosim::on_kernel_call([this](const aiosim::KernelCall&) {
      if (aiosim::thread_index() == 0) ++home_calls_;
    });
    guest_.start(guest, [this](int) { drive(); });
    run_part(Role::home);
    poll_while([this] {
      attach();
      return !guest_.all_finished();
    });
    guest_.join();
    poll_while([this] { return deferred_ > 0; });
    const UnderTestScope scope;
    delete queue_;
  }

  void run_op(const Op& op, int /*by*/) override {
    switch (op.verb) {
      case Verb::attach:
        return attach();
      case Verb::detach:
        return detach();
      case Verb::defer:
        deferring_ = true;
        return;
      case Verb::poll:
        return poll(false);
      case Verb::poll_blocking:
        return poll(attached_ && !guest_.all_finished());
      case Verb::add_buffer:
        return add();
      case Verb::kick:
        return kick();
      case Verb::wait_used:
        return wait_used();
      case Verb::take_used:
        take_used();
        return;
      case Verb::suppress_calls: {
        const UnderTestScope scope;
        return queue_->suppress_calls();
      }
      case Verb::advance:
        return pass_time(op.amount);
      default:
        return;
    }
  }

  // ---- home ----

  void attach() {
    if (attached_) return;
    attached_ = true;
    aiosim::note("attach");
    log_.add(What::attached);
    const UnderTestScope scope;
    queue_->attach(on_handle, this, polling_);
  }

  void detach() {
    if (!attached_) return;
    aiosim::note("detach");
    {
      const UnderTestScope scope;
      queue_->detach();
    }
    attached_ = false;
    log_.add(What::detached);
  }

  static void on_handle(void* opaque) {
    const HarnessScope harness;
    auto& self = *static_cast<QueueRun*>(opaque);
    share();
    aiosim::note("handler called");
    self.log_.add(What::handler);
    self.deferring_ = false;
    self.run_calls(Role::queue);
    if (!self.attached_) return;  // what is there waits until the queue is attached again
    std::vector<Popped> popped;
    self.pop_all(popped);
    if (self.deferring_ && !popped.empty()) {
      self.held_.insert(self.held_.end(), popped.begin(), popped.end());
      ++self.deferred_;
      const UnderTestScope scope;
      self.home_->schedule_oneshot(on_deferred, &self);
    } else {
      self.give_back(popped);
    }
  }

  static void on_deferred(void* opaque) {
    const HarnessScope harness;
    auto& self = *static_cast<QueueRun*>(opaque);
    share();
    --self.deferred_;
    std::vector<Popped> held;
    held.swap(self.held_);
    self.give_back(held);
  }

  void pop_all(std::vector<Popped>& popped) {
    for (;;) {
      Queue::Buffer got;
      std::uint64_t in = 0;
      {
        const UnderTestScope scope;
        if (!queue_->pop(got)) return;
        in = parts_.load(&static_cast<Buffer*>(got.data)->in);
      }
      auto* buffer = static_cast<Buffer*>(got.data);
      aiosim::note("popped buffer", buffer->number);
      log_.add(What::popped, buffer->number, in == given_to(buffer->number) ? 1 : 0);
      popped.push_back({got.id, buffer});
    }
  }

  void give_back(const std::vector<Popped>& popped) {
    const UnderTestScope scope;
    for (const Popped& it : popped) {
      parts_.store(&it.buffer->out, made_by(it.buffer->number));
      queue_->push(it.id, static_cast<std::uint32_t>(it.buffer->number));
    }
    queue_->notify_driver();
  }

  // ---- the guest ----

  void drive() {
    aiosim::name_thread("guest");
    run_part(Role::guest);
    kick();
    while (with_device_ > 0) wait_used();
    log_.add(What::end);
    share();
    guest_.finished(guest);
    const UnderTestScope scope;
    home_->notify();
  }

  void add() {
    if (used_ == max_buffers) return;
    Buffer& buffer = buffers_[static_cast<std::size_t>(used_)];
    std::uint32_t id = 0;
    aiosim::note("add buffer", buffer.number);
    log_.add(What::adding, buffer.number);
    bool added = false;
    {
      const UnderTestScope scope;
      parts_.store(&buffer.in, given_to(buffer.number));
      added = queue_->add(&buffer, id);
    }
    if (!added) return log_.add(What::refused, buffer.number);
    ids_[id] = &buffer;
    ++used_;
    ++with_device_;
    ++untold_;
  }

  /// Home may not have asked to be left alone if it sleeps from before to after.
  void kick() {
    const bool slept = aiosim::in_world() && attached_ && aiosim::is_blocked(0);
    const std::uint64_t calls = home_calls_;
    bool told = false;
    {
      const UnderTestScope scope;
      told = queue_->kick();
    }
    aiosim::note(told ? "kicked" : "did not kick", untold_);
    if (slept && untold_ > 0 && !told && aiosim::is_blocked(0) && calls == home_calls_) {
      log_.add(What::silent);
    }
    untold_ = 0;
  }

  int take_used() {
    for (int taken = 0;; ++taken) {
      Queue::Used used;
      {
        const UnderTestScope scope;
        if (!queue_->take_used(used)) return taken;
      }
      const Buffer& buffer = *ids_[used.id % ids_.size()];
      std::uint64_t out = 0;
      {
        const UnderTestScope scope;
        out = parts_.load(&buffer.out);
      }
      const auto number = static_cast<std::uint32_t>(buffer.number);
      const bool right = out == made_by(buffer.number) && used.written == number;
      aiosim::note("buffer came back", buffer.number);
      log_.add(What::used, buffer.number, right ? 1 : 0);
      --with_device_;
    }
  }

  /// As a driver does: asks to be told, looks once more, sleeps.
  void wait_used() {
    kick();
    while (with_device_ > 0 && take_used() == 0) {
      {
        const UnderTestScope scope;
        queue_->allow_calls();
      }
      if (take_used() > 0) return;
      const UnderTestScope scope;
      pollfd call{queue_->call_fd(), POLLIN, 0};
      while (::poll(&call, 1, -1) < 0 && errno == EINTR) {
      }
      queue_->clear_call();
    }
  }

  const std::uint16_t size_;
  const bool polling_;
  Producers guest_;
  Log<What> log_;
  Queue* queue_ = nullptr;
  std::array<Buffer, max_buffers> buffers_;
  // Guest's.
  std::array<Buffer*, 8> ids_{};  // by the ring's id
  int used_ = 0;
  int with_device_ = 0;
  int untold_ = 0;
  // Home's; attached_ is read by the guest in a world only.
  bool attached_ = false;
  bool deferring_ = false;
  int deferred_ = 0;
  std::vector<Popped> held_;
  std::uint64_t home_calls_ = 0;
};

}  // namespace

std::unique_ptr<PartsRun> make_queue_run(const Case& program, const BackendModule& module) {
  return std::make_unique<QueueRun>(program, module);
}

}  // namespace properties
