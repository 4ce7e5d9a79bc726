#include "memory/race_detector.h"

#include <bit>

namespace aiosim::memory {

void RaceDetector::plain(const Accessor& by, std::uintptr_t at, std::size_t size, bool write) {
  const std::uintptr_t end = at + size;
  const Whole whole{at, size, write};
  while (at < end) {
    const std::uintptr_t offset = at % Shadow::cell_bytes;
    const std::uintptr_t part = std::min(Shadow::cell_bytes - offset, end - at);
    const std::uint8_t bytes = Shadow::part_of(at, part);
    Cell& cell = shadow_.cell(at);
    const Access now = access_of(by, bytes, size, write);
    const Access& first = cell.accesses[0];
    if (!(first.is_same_time(now) && first.includes(now)) && !settles(cell, by.view.clock, now)) {
      plain_cell(by, cell, bytes, whole);
    }
    at += part;
  }
}

void RaceDetector::plain_cell(const Accessor& by, Cell& cell, std::uint8_t bytes,
                              const Whole& whole) {
  if (cell.poisoned()) [[unlikely]] {
    check_poison(by, cell, bytes, whole.at, whole.size,
                 whole.write ? "plain write" : "plain read");
  }
  constexpr std::uint32_t none = ~0U;
  std::uint32_t place = none;  // of an access that this one takes the place of
  for (std::uint32_t i = 0; i < cell.count;) {
    Access& access = shadow_.access(cell, i);
    if ((access.bytes() & bytes) == 0) {
      ++i;
      continue;
    }
    const bool ordered = by.view.happens_before_me(access.thread(), access.epoch());
    if (!ordered && (whole.write || access.write())) race(by, whole, access);
    if (ordered && (whole.write || !access.write())) {
      access.drop(bytes);
      if (access.bytes() == 0 && place != none) {
        shadow_.remove(cell, i);
        continue;
      }
      if (access.bytes() == 0) place = i;
    }
    ++i;
  }
  if ((cell.atomics & bytes) != 0 || cell.covered()) {
    plain_against_atomics(by, cell, bytes, whole);
  }
  Access& kept = place != none ? shadow_.access(cell, place) : shadow_.add(cell);
  kept = access_of(by, bytes, whole.size, whole.write);
}

void RaceDetector::race(const Accessor& by, const Whole& whole, const Access& before) {
  race(by, {by.thread, by.view.clock[by.thread], whole.write, false, whole.size, by.pc},
       party_of(before), whole.at);
}

void RaceDetector::plain_against_atomics(const Accessor& by, const Cell& cell, std::uint8_t bytes,
                                         const Whole& whole) {
  const Party now{by.thread, by.view.clock[by.thread], whole.write, false, whole.size, by.pc};
  const std::uintptr_t first = whole.at / Shadow::cell_bytes * Shadow::cell_bytes;
  locations_.each(cell, [&](Location& location) {
    // A location of 16 bytes fills its two cells.
    const auto covers = location.size > Shadow::cell_bytes
                            ? std::uint8_t{0xff}
                            : static_cast<std::uint8_t>(((1U << location.size) - 1)
                                                        << location.address % Shadow::cell_bytes);
    if ((covers & bytes) == 0) return;
    location.after_all_else &= 1U << by.thread;
    for (std::uint32_t left = location.writers; left != 0; left &= left - 1) {
      const auto writer = static_cast<std::uint32_t>(std::countr_zero(left));
      const Location::Last& last = location.last[writer];
      if (by.view.happens_before_me(writer, last.write)) continue;
      race(by, now, {writer, last.write, true, true, location.size, last.write_pc}, first);
    }
    if (!whole.write) return;
    for (std::uint32_t left = location.readers; left != 0; left &= left - 1) {
      const auto reader = static_cast<std::uint32_t>(std::countr_zero(left));
      const Location::Last& last = location.last[reader];
      if (by.view.happens_before_me(reader, last.read)) continue;
      race(by, now, {reader, last.read, false, true, location.size, last.read_pc}, first);
    }
    history_.drop(location);
    if (covers == bytes && location.size <= Shadow::cell_bytes) {
      location.readers = 0;
      location.writers = 0;
    }
  });
}

Cell& RaceDetector::atomic_cell(Accessor by, std::uintptr_t at, unsigned size,
                                const char* what) {
  if (at % size != 0) [[unlikely]] {
    choices_.memory_fault(VerdictKind::crash, "misaligned " + std::string(what) + " of " +
                                                  std::to_string(size) + " bytes by thread " +
                                                  std::to_string(by.thread) + " at " +
                                                  choices_.describe_pc(by.pc));
  }
  Cell& cell = shadow_.cell(at);
  if (cell.poisoned()) [[unlikely]] {
    check_poison(by, cell, Shadow::bytes_of(at, size), at, size, what);
  }
  return cell;
}

[[gnu::always_inline]] inline bool RaceDetector::check_cell(const Accessor& by, Cell& cell,
                                                            std::uint32_t bytes,
                                                            const Location& location, bool write) {
  bool ordered = true;
  for (std::uint32_t i = 0; i < cell.count; ++i) {
    const Access& access = shadow_.access(cell, i);
    if ((access.bytes() & bytes) == 0) continue;
    if (by.view.happens_before_me(access.thread(), access.epoch())) continue;
    ordered = false;
    if (!write && !access.write()) continue;
    race(by, {by.thread, by.view.clock[by.thread], write, true, location.size, by.pc},
         party_of(access), location.address);
  }
  return ordered;
}

void RaceDetector::check_against_others(Cell& cell, Location& location, bool write,
                                        std::uint32_t thread, ThreadView& view, const void* pc) {
  const Accessor by{thread, view, pc};
  bool ordered;
  if (location.size <= Shadow::cell_bytes) {
    const std::uint32_t bytes = ((1U << location.size) - 1)
                                << location.address % Shadow::cell_bytes;
    ordered = check_cell(by, cell, bytes, location, write);
  } else {
    ordered = check_cell(by, cell, 0xff, location, write);
    Cell& second = shadow_.cell(location.address + Shadow::cell_bytes);
    if (second.poisoned()) [[unlikely]] {
      check_poison(by, second, 0xff, location.address, location.size, "atomic access");
    }
    ordered = check_cell(by, second, 0xff, location, write) && ordered;
  }
  if (location.overlapped) [[unlikely]] {
    against_overlapping(by, location, write);
  } else if (ordered) {
    location.after_all_else |= 1U << by.thread;
  }
}

void RaceDetector::against_overlapping(Accessor by, const Location& location, bool write) {
  const Party now{by.thread, by.view.clock[by.thread], write, true, location.size, by.pc};
  locations_.each_overlapping(location, [&](const Location& other) {
    const std::uint32_t accessors = write ? other.writers | other.readers : other.writers;
    for (std::uint32_t left = accessors; left != 0; left &= left - 1) {
      const auto thread = static_cast<std::uint32_t>(std::countr_zero(left));
      const Location::Last& last = other.last[thread];
      // A thread's read is kept only if it came after its last write.
      const bool wrote = (other.writers >> thread & 1) != 0;
      const bool read = write && (other.readers >> thread & 1) != 0;
      if (wrote && !by.view.happens_before_me(thread, last.write)) {
        race(by, now, {thread, last.write, true, true, other.size, last.write_pc},
             location.address);
      }
      if (read && !by.view.happens_before_me(thread, last.read)) {
        race(by, now, {thread, last.read, false, true, other.size, last.read_pc}, location.address);
      }
    }
  });
}

void RaceDetector::check_poison(const Accessor& by, const Cell& cell, std::uint8_t bytes,
                                std::uintptr_t at, std::size_t size, const char* what) {
  if ((cell.poison() & bytes) == 0) return;
  if (cell.freed()) use_after_free(by, cell, at, size, what);
  out_of_bounds(by, at, size, what);
}

// What is left of the bytes afterwards is that they are freed: accesses are checked, not kept.
void RaceDetector::check_free(const Accessor& by, Cell& cell, const Whole& whole) {
  if (cell.has_atomics()) return plain_cell(by, cell, cell.poison() ^ 0xff, whole);
  for (std::uint32_t i = 0; i < cell.count; ++i) {
    const Access& access = shadow_.access(cell, i);
    if (!by.view.happens_before_me(access.thread(), access.epoch())) race(by, whole, access);
  }
}

void RaceDetector::poison(const Accessor& by, std::uintptr_t at, std::size_t size,
                          const CallStack& stack, bool checked) {
  const Whole whole{at, size, true};
  const std::uint32_t block = blocks_.index_of(at, size);
  const CellHead head{.run = shadow_.run(), .flags = Cell::freed_flag, .location = block};
  const VectorClock& clock = by.view.clock;
  shadow_.each(at, size, [&](Cell& cell) {
    if (cell.run == head.run) {
      bool ordered = !cell.has_atomics() && cell.count <= Cell::inline_accesses;
      for (std::uint32_t i = 0; ordered && i < cell.count; ++i) {
        ordered = cell.accesses[i].epoch() <= clock[cell.accesses[i].thread()];
      }
      if (!ordered) [[unlikely]] {
        if (cell.has_atomics()) shadow_.forget_locations();
        if (checked) {
          check_free(by, cell, whole);
        } else {
          locations_.each(cell, [&](Location& location) { history_.drop(location); });
        }
      }
    }
    cell.start(head);
  });
  blocks_.freed(block, by.thread, stack);
}

void RaceDetector::red_zone(std::uintptr_t at, std::size_t size) {
  const CellHead head{.run = shadow_.run(), .flags = Shadow::cell_bytes};
  const std::uintptr_t before = at % Shadow::cell_bytes;
  if (before != 0 && size != 0) {
    const std::uintptr_t left = Shadow::cell_bytes - before;
    shadow_.cell(at).flags |= static_cast<std::uint8_t>(left);
    at += left;
    size -= left;
  }
  shadow_.each(at, size, [&head](Cell& cell) { cell.start(head); });
}

}  // namespace aiosim::memory
