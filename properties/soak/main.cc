// soak: the loop as it is shipped, on the real kernel, under faults that last.
//
//   soak --for 10m            until the time is over
//   soak --lives 10 --seed 1  so many lives: bounded work
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "aiosim/choice.h"
#include "soak/life.h"

namespace soak {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int longest_life = 64;     // batches
constexpr double most_growth = 1.5;  // of resident memory, from the first round of plans to the end

struct Options {
  std::uint64_t seed = 0;
  int lives = 0;
  double seconds = 0;
  int steps = 200;
  int patience_s = 60;
  Plant plant = Plant::none;
};

/// Ends the process when nothing at all has been done for so long.
class Watchdog {
 public:
  explicit Watchdog(int patience_s) : patience_(patience_s), thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard guard(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    std::uint64_t seen = progress();
    auto since = Clock::now();
    while (!over_) {
      changed_.wait_for(lock, std::chrono::milliseconds(patience_) / 4);
      if (progress() != seen) {
        seen = progress();
        since = Clock::now();
      } else if (Clock::now() - since > patience_) {
        const auto s = patience_.count();
        fail(fmt::format("lost: nothing was done for {} s, outstanding: {}", s, all_outstanding()));
      }
    }
  }

  std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

void print_accounts(const std::vector<Account>& accounts) {
  fmt::print("\n{:<28}", "");
  for (const MonitorChoice& choice : monitors()) fmt::print("{:>28}", choice.name);
  const auto row = [&](const std::string& title, auto value) {
    fmt::print("\n{:<28}", title);
    for (const Account& it : accounts) fmt::print("{:>28}", value(it));
  };
  row("lives", [](const Account& it) { return fmt::to_string(it.lives); });
  row("  ended as", [](const Account& it) {
    std::string text;
    for (std::size_t i = 0; i < mechanisms.size(); ++i) {
      if (it.ended_as[i] == 0) continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", it.ended_as[i], mechanisms[i]);
    }
    return text;
  });
  row("set-ups refused (EMFILE)", [](const Account& it) { return fmt::to_string(it.refused); });
  for (std::size_t i = 0; i < kind_count; ++i) {
    row(name(static_cast<Kind>(i)),
        [i](const Account& it) { return fmt::format("{:L}", it.kept[i]); });
  }
  row("polls", [](const Account& it) { return fmt::to_string(it.polls); });
  row("polls a thing to do", [](const Account& it) {
    return fmt::format("{:.2f}", static_cast<double>(it.polls) / static_cast<double>(it.causes));
  });
  row("sleeps", [](const Account& it) { return fmt::to_string(it.sleeps); });
  row("processor when idle", [](const Account& it) {
    return fmt::format("{:.1f}%", 100.0 * static_cast<double>(it.idle_cpu_ns) /
                                      static_cast<double>(it.idle_wall_ns));
  });
  fmt::print("\n\n");
}

void print_faults() {
  fmt::print("signals {}, strikes {}:", signals(), strikes());
  std::string never;
  for (const Struck& it : struck()) {
    if (it.times != 0) {
      fmt::print(" {} {}", it.point, it.times);
    } else {
      never += (never.empty() ? "" : ", ") + std::string(it.point);
    }
  }
  fmt::print("\nnever asked or struck: {}\n", never.empty() ? "none" : never);
}

void print_memory(const Holdings& first, const Holdings& last) {
  fmt::print(
      "at rest, after the first round of plans and at the end: fds {} {}, heap blocks {} {}, "
      "heap {} {} kB, resident {} {} kB\n",
      first.fds, last.fds, first.blocks, last.blocks, first.heap / 1024, last.heap / 1024,
      first.resident / 1024, last.resident / 1024);
}

double seconds_of(const std::string& text) {
  char* unit = nullptr;
  const double number = std::strtod(text.c_str(), &unit);
  const std::string rest = unit;
  const double factor = rest == "s" ? 1 : rest == "m" ? 60 : rest == "h" ? 3600 : 0;
  if (unit == text.c_str() || factor == 0 || !(number > 0)) {
    throw CLI::ValidationError("--for", "'" + text + "' is no duration: expected 90s, 10m or 8h");
  }
  return number * factor;
}

bool resident_memory_means_anything() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;  // quarantines and shadow grow
#else
  return true;
#endif
}

void run(const Options& options) {
  arm_faults(options.seed);
  std::vector<Account> accounts(monitors().size());
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const bool timed = options.lives == 0;
  Holdings first;
  {
    const Watchdog watchdog(options.patience_s);
    const auto over = [&](int life) {
      return timed ? elapsed() >= options.seconds : life >= options.lives;
    };
    for (int life = 0; !over(life); ++life) {
      const int round = life / static_cast<int>(plans().size());
      if (life == static_cast<int>(plans().size())) first = holdings();
      LifePlan plan;
      plan.seed = aiosim::mix64(options.seed + static_cast<std::uint64_t>(life));
      plan.faults = plans()[static_cast<std::size_t>(life) % plans().size()];
      plan.batches = std::min(1 << std::min(round, 16), longest_life);
      plan.steps = options.steps;
      plan.plant = options.plant;
      now_at(fmt::format("seed {}, life {} under {}", options.seed, life, plan.faults));
      int batch = 0;
      live(plan, accounts, [&] {
        ++batch;
        if (isatty(1) != 0) {
          fmt::print("\rsoak: {:.0f} s, life {} under {}, batch {} of {}, {} things done \033[K",
                     elapsed(), life, plan.faults, batch, plan.batches, progress());
          std::fflush(stdout);
        }
        return !timed || elapsed() < options.seconds;
      });
      if (isatty(1) == 0) {
        fmt::print("soak: {:.0f} s, life {} under {} over, {} batches, {} things done\n", elapsed(),
                   life, plan.faults, batch, progress());
        std::fflush(stdout);
      }
    }
  }
  const Holdings last = holdings();
  print_accounts(accounts);
  print_faults();
  if (first.blocks != 0) {
    print_memory(first, last);
    if (resident_memory_means_anything() &&
        static_cast<double>(last.resident) > most_growth * static_cast<double>(first.resident)) {
      fail("leak: resident memory has grown by more than half since the first round of plans");
    }
  }
  fmt::print("soak: nothing lost, nothing done twice, no leak, no busy loop; seed {}, {:.0f} s\n",
             options.seed, elapsed());
}

}  // namespace
}  // namespace soak

int main(int argc, char** argv) {
  using soak::Plant;
  soak::Options options;
  std::string duration = "10m";
  CLI::App app("The event loop on the real kernel, under faults that last.", "soak");
  app.add_option("--for", duration, "how long: 90s, 10m, 8h")->capture_default_str();
  app.add_option("--lives", options.lives, "so many lives instead of a time")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--steps", options.steps, "of each user in a batch")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "else one is drawn and printed");
  app.add_option("--patience", options.patience_s, "seconds without any progress: lost")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  const std::map<std::string, Plant> plants = {
      {"lose", Plant::lose},       {"twice", Plant::twice},
      {"hang", Plant::hang},       {"leak-memory", Plant::leak_memory},
      {"leak-fd", Plant::leak_fd}, {"spin", Plant::spin}};
  app.add_option("--plant", options.plant, "a fault of the harness's own: the soak must fail")
      ->transform(CLI::CheckedTransformer(plants));
  try {
    app.parse(argc, argv);
    options.seconds = soak::seconds_of(duration);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "soak: %s\n", error.what());
    return 2;
  }
  if (app.count("--seed") == 0) options.seed = std::random_device()();
  fmt::print("soak: seed {}\n", options.seed);
  soak::run(options);
}
