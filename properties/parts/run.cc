#include "parts/run.h"

namespace properties {

using aiosim::UnderTestScope;

void PartsRun::run() {
  depth_ = 0;
  for (auto& role : calls_) {
    for (auto& calls : role) calls.store(0, std::memory_order_relaxed);
  }
  reset();
  aiosim::name_thread("home");
  const LoopOptions options{program_.option(Verb::poll_max_ns, 0), nullptr, nullptr};
  home_ = made([&] { return module_.create(options); });
  body();
  const UnderTestScope scope;
  for (int polls = 0; home_->poll(false); ++polls) {  // kicks that nobody needed
    if (polls == most_polls()) give_up();
  }
  delete home_;
}

void PartsRun::run_part(Role role, int number, int by) {
  const Part* part = program_.find(role, number);
  if (part == nullptr) return;
  for (const Op& op : part->ops) {
    share();
    run_op(op, by);
  }
}

void PartsRun::run_calls(Role role, int number, int by) {
  auto& calls = calls_[static_cast<std::size_t>(role)][static_cast<std::size_t>(number)];
  if (calls.fetch_add(1, std::memory_order_relaxed) < callback_calls_) {
    run_part(role, number, by);
  }
}

void PartsRun::poll(Loop& loop, int& depth, bool blocking) {
  if (depth >= max_depth) return;
  aiosim::note(blocking ? "poll(true) called" : "poll(false) called");
  ++depth;
  bool progress = false;
  {
    const UnderTestScope scope;
    progress = loop.poll(blocking);
  }
  --depth;
  share();
  aiosim::note("poll returned", progress ? 1 : 0);
}

void PartsRun::give_up() {
  aiosim::stop_run({aiosim::VerdictKind::livelock, "",
                    "home gave up: poll after poll does not serve what is outstanding"});
}

}  // namespace properties
