#include "soak/ledger.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace soak {
namespace {

std::atomic<std::uint64_t> pulse{0};
std::mutex place_mutex;
std::string place;
std::mutex ledgers_mutex;
std::array<const Ledger*, 8> ledgers{};  // null: free; a life has one a monitor

constexpr std::array<const char*, kind_count> names = {"connections", "messages", "bottom halves",
                                                       "oneshots",    "timers",   "handlers",
                                                       "requests",    "buffers"};

}  // namespace

const char* name(Kind kind) { return names[static_cast<std::size_t>(kind)]; }

Ledger::Ledger(std::string loop) : loop_(std::move(loop)) {
  const std::lock_guard guard(ledgers_mutex);
  *std::find(ledgers.begin(), ledgers.end(), nullptr) = this;
}

Ledger::~Ledger() {
  const std::lock_guard guard(ledgers_mutex);
  *std::find(ledgers.begin(), ledgers.end(), this) = nullptr;
}

void Ledger::keep(Kind kind) {
  const std::size_t i = index(kind);
  pulse.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t kept = kept_[i].fetch_add(1, std::memory_order_relaxed) + 1;
  if (kept > promised_[i].load(std::memory_order_relaxed)) {
    fail("done twice: of the " + std::string(names[i]) + ", " + std::to_string(kept) +
         " were done and one less asked for");
  }
  kept_[i].notify_all();
}

void Ledger::await(Kind kind) {
  const std::size_t i = index(kind);
  const std::uint64_t promised = promised_[i].load();
  std::uint64_t kept = kept_[i].load();
  while (kept != promised) {
    kept_[i].wait(kept);
    kept = kept_[i].load();
  }
}

std::string Ledger::outstanding() const {
  std::string text;
  for (std::size_t i = 0; i < kind_count; ++i) {
    const std::uint64_t promised = promised_[i].load();
    const std::uint64_t kept = kept_[i].load();
    if (kept == promised) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(promised - kept) + " of " +
            std::to_string(promised) + ' ' + names[i];
  }
  return text.empty() ? text : text + " of " + loop_;
}

std::string all_outstanding() {
  const std::lock_guard guard(ledgers_mutex);
  std::string text;
  for (const Ledger* ledger : ledgers) {
    if (ledger == nullptr) continue;
    const std::string more = ledger->outstanding();
    if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
  }
  return text;
}

std::uint64_t progress() { return pulse.load(std::memory_order_relaxed); }

void now_at(std::string where) {
  const std::lock_guard guard(place_mutex);
  place = std::move(where);
}

void fail(const std::string& what) {
  static std::atomic<bool> failing{false};
  if (failing.exchange(true)) {
    for (;;) pause();  // the first failure is the one that is told
  }
  {
    const std::lock_guard guard(place_mutex);
    std::fprintf(stderr, "soak: %s: %s\n", place.c_str(), what.c_str());
  }
  std::fflush(nullptr);
  std::_Exit(1);
}

}  // namespace soak
