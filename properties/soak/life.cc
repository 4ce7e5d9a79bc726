#include "soak/life.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <thread>

#include "aiosim/choice.h"

namespace soak {
namespace {

constexpr double most_idle_cpu = 0.25;  // of the wall time of the same stretch
// The timer set, the timer due, the look afterwards; and a thread of the pool may write the event
// fd late, for a notification that has been accepted (R38): there are two.
constexpr std::uint64_t idle_polls = 3 + 2;
constexpr std::int64_t warm_up_blocks = 64;  // caches that fill in the first batch of a life

struct Resident {
  Loop loop;
  Producer producer;
  Account today;  // of this life

  Resident(const MonitorChoice& choice, std::int64_t poll_max_ns, std::int64_t storm_ns)
      : loop(choice, poll_max_ns, storm_ns), producer(loop) {}
};

using Residents = std::vector<std::unique_ptr<Resident>>;

void run_batch(const LifePlan& plan, int batch, std::int64_t storm_ns, Residents& residents) {
  std::vector<std::thread> users;
  for (std::size_t i = 0; i < residents.size(); ++i) {
    Resident& it = *residents[i];
    const std::uint64_t seed =
        aiosim::mix64(plan.seed + static_cast<std::uint64_t>(batch) * 64 + i);
    const Work work{seed, plan.steps, storm_ns, plan.plant};
    users.emplace_back([&it, work] { run_client(it.loop, work); });
    users.emplace_back([&it, work] { it.producer.run(work); });
  }
  for (std::thread& user : users) user.join();
}

void check_idle(const Resident& it, const Idle& idle, std::uint64_t struck, const char* when) {
  if (idle.polls > idle_polls + struck) {
    fail(fmt::format(
        "busy loop: {} polled {} times in {:.1f} ms {}, with nothing to do and {} "
        "faults meanwhile",
        it.loop.choice().name, idle.polls, static_cast<double>(idle.wall_ns) / 1e6, when, struck));
  }
}

/// All at once: nobody has anything to do, nor may do anything.
void rest(Residents& residents, bool with_closed_fd) {
  const std::uint64_t before = strikes();
  std::vector<Idle> idle(residents.size());
  std::vector<std::thread> sleepers;
  for (std::size_t i = 0; i < residents.size(); ++i) {
    sleepers.emplace_back([&, i] {
      Loop& loop = residents[i]->loop;
      idle[i] = with_closed_fd ? loop.close_under_handler() : loop.idle();
    });
  }
  for (std::thread& sleeper : sleepers) sleeper.join();
  const std::uint64_t struck = strikes() - before;
  for (std::size_t i = 0; i < residents.size(); ++i) {
    check_idle(*residents[i], idle[i], struck,
               with_closed_fd ? "after an fd was closed under its handler" : "at rest");
    residents[i]->today.idle_wall_ns += idle[i].wall_ns;
    residents[i]->today.idle_cpu_ns += idle[i].cpu_ns;
  }
}

void plant_fault(const LifePlan& plan, Residents& residents) {
  if (plan.plant == Plant::leak_memory) static_cast<void>(::operator new(100));
  if (plan.plant == Plant::leak_fd) static_cast<void>(eventfd(0, 0));
  if (plan.plant == Plant::spin) {
    // Always readable, and nobody reads.
    const int fd = eventfd(1, EFD_CLOEXEC);
    aio::FdCallbacks callbacks;
    callbacks.io_read = [](void*) {};
    residents.front()->loop.context().set_fd_handler(fd, callbacks);
  }
}

void check_memory(const Holdings& first, const Holdings& now) {
  if (now.blocks > first.blocks + warm_up_blocks) {
    fail(fmt::format("leak: {} heap blocks at rest, {} after the first batch of this life",
                     now.blocks, first.blocks));
  }
}

/// The account of a life that is over, with everything at rest.
void settle_account(Resident& it, std::uint64_t struck, std::uint64_t batches, Account& account) {
  const std::string mechanism = it.loop.monitor_name();
  const aio::Counters counters = it.loop.context().counters();
  const std::uint64_t causes = it.loop.ledger.causes();
  if (counters.polls > causes + struck + batches * idle_polls) {
    fail(fmt::format("busy loop: {} polled {} times for {} things to do and {} faults",
                     it.loop.choice().name, counters.polls, causes, struck));
  }
  const Account& today = it.today;
  if (static_cast<double>(today.idle_cpu_ns) >
      most_idle_cpu * static_cast<double>(today.idle_wall_ns)) {
    fail(fmt::format(
        "busy loop: {} used {:.0f}% of a processor while it had nothing to do",
        it.loop.choice().name,
        100.0 * static_cast<double>(today.idle_cpu_ns) / static_cast<double>(today.idle_wall_ns)));
  }
  ++account.lives;
  for (std::size_t i = 0; i < mechanisms.size(); ++i) {
    account.ended_as[i] += mechanism == mechanisms[i];
  }
  account.refused += it.loop.refused();
  for (std::size_t i = 0; i < kind_count; ++i) {
    account.kept[i] += it.loop.ledger.kept(static_cast<Kind>(i));
  }
  account.causes += causes;
  account.polls += counters.polls;
  account.sleeps += counters.sleeps;
  account.idle_wall_ns += today.idle_wall_ns;
  account.idle_cpu_ns += today.idle_cpu_ns;
}

}  // namespace

void live(const LifePlan& plan, std::vector<Account>& accounts,
          const std::function<bool()>& rested) {
  take_plan(plan.faults);
  const std::size_t threads_before = threads();
  const Holdings before = holdings();
  const std::uint64_t struck_before = strikes();
  aiosim::Random random(plan.seed);
  constexpr std::array<std::int64_t, 4> periods = {0, 211'000, 997'000, 5'003'000};
  const std::int64_t storm_ns = plan.faults == "none" ? 0 : periods[random.below(periods.size())];
  const std::int64_t poll_max_ns = random.chance(500'000) ? 32'768 : 0;
  {
    Residents residents;
    for (const MonitorChoice& choice : monitors()) {
      residents.push_back(std::make_unique<Resident>(choice, poll_max_ns, storm_ns));
    }
    Holdings first;
    bool go_on = true;
    for (int batch = 0; batch < plan.batches && go_on; ++batch) {
      run_batch(plan, batch, storm_ns, residents);
      for (const auto& it : residents) it->loop.settle();
      plant_fault(plan, residents);
      rest(residents, false);
      if (batch == 0) first = holdings();
      check_memory(first, holdings());
      go_on = rested();
    }
    const std::uint64_t struck = strikes() - struck_before;
    for (std::size_t i = 0; i < residents.size(); ++i) {
      settle_account(*residents[i], struck, static_cast<std::uint64_t>(plan.batches), accounts[i]);
    }
    rest(residents, true);
  }
  take_plan("none");
  // Threads of the pools are detached: the last of them may be on its way out. One that stays is
  // the watchdog's.
  while (threads() > threads_before) std::this_thread::yield();
  const Holdings after = holdings();
  if (after.fds != before.fds) {
    fail(fmt::format("leak: {} fds are open after this life, {} before", after.fds, before.fds));
  }
  if (after.blocks != before.blocks) {
    fail(fmt::format("leak: {} heap blocks ({} bytes) after this life, {} ({}) before",
                     after.blocks, after.bytes, before.blocks, before.bytes));
  }
}

}  // namespace soak
