// A map from addresses to indexes that forgets everything when a run begins, in one step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "aiosim/choice.h"
#include "memory/pool.h"

namespace aiosim::memory {

/// Open addressing; an entry counts only if it carries the run's number. Values are not 0.
class RunTable {
 public:
  RunTable() : entries_(map(capacity_)) {}
  ~RunTable() { unmap_pages(entries_, capacity_ * sizeof(Entry)); }
  RunTable(const RunTable&) = delete;
  RunTable& operator=(const RunTable&) = delete;

  void reset(std::uint32_t run) {
    // Run numbers come round after 2^32 runs: then old entries must really go.
    if (run < run_) forget_all();
    run_ = run;
    used_ = 0;
  }

  /// The value kept for `address`, 0 if there is none.
  std::uint32_t find(std::uintptr_t address) const {
    const Entry& entry = entries_[slot(address)];
    return entry.run == run_ ? entry.value : 0;
  }

  void set(std::uintptr_t address, std::uint32_t value) {
    if (used_ * 2 >= capacity_) grow();
    put({address, run_, value});
  }

 private:
  struct Entry {
    std::uintptr_t address;
    std::uint32_t run;
    std::uint32_t value;
  };

  static Entry* map(std::size_t capacity) {
    return static_cast<Entry*>(map_pages(capacity * sizeof(Entry)));
  }

  std::size_t slot(std::uintptr_t address) const {
    std::size_t at = mix64(address) & (capacity_ - 1);
    while (entries_[at].run == run_ && entries_[at].address != address) {
      at = (at + 1) & (capacity_ - 1);
    }
    return at;
  }

  void put(const Entry& entry) {
    Entry& place = entries_[slot(entry.address)];
    used_ += place.run == run_ ? 0 : 1;
    place = entry;
  }

  void forget_all() {
    for (std::size_t i = 0; i < capacity_; ++i) entries_[i].run = 0;
  }

  void grow() {
    Entry* const old = entries_;
    const std::size_t old_capacity = capacity_;
    capacity_ *= 2;
    entries_ = map(capacity_);
    used_ = 0;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].run == run_) put(old[i]);
    }
    unmap_pages(old, old_capacity * sizeof(Entry));
  }

  std::size_t capacity_ = 4096;
  std::size_t used_ = 0;
  std::uint32_t run_ = 0;
  Entry* entries_;
};

}  // namespace aiosim::memory
