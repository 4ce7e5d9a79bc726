// The texts of data races and uses of freed memory.
#include "memory/race_detector.h"

namespace aiosim::memory {

namespace {

std::string thread_name(std::uint32_t thread) { return "thread " + std::to_string(thread); }

std::string bytes_of(std::size_t size) {
  if (size == 0) return "a range";
  return std::to_string(size) + (size == 1 ? " byte" : " bytes");
}

}  // namespace

std::string RaceDetector::describe(const Party& party, const char* verb_form) {
  return std::string(party.atomic ? "atomic " : "plain ") + (party.write ? "write" : "read") +
         " of " + bytes_of(party.size) + " by " + thread_name(party.thread) + verb_form + " at " +
         choices_.describe_pc(party.pc);
}

std::string RaceDetector::place(std::uintptr_t at) {
  const Block* const block = blocks_.find(at);
  if (block == nullptr || !block->allocated) return {};
  return "\n  place: byte " + std::to_string(at - block->address) + " of a block of " +
         bytes_of(block->size) + " allocated by " + thread_name(block->allocated_by) + " at " +
         choices_.describe_pc(block->allocated_pc);
}

// Had the store been a release and the load an acquire, the earlier access would have been
// published: it came before the store, in the same thread.
std::string RaceDetector::missing_edge(const Accessor& by, const Party& before) {
  const LooseRead& loose = loose_reads_[by.thread][before.thread];
  if (loose.run == shadow_.run() && loose.epoch >= before.epoch) {
    return "the " + std::string(order_name(loose.store_order)) + " store to atomic " +
           std::to_string(loose.ordinal) + " by " + thread_name(before.thread) + " at " +
           choices_.describe_pc(loose.store_pc) + " was read by the " +
           order_name(loose.load_order) + " load of " + thread_name(by.thread) + " at " +
           choices_.describe_pc(loose.load_pc) +
           "; a release store read by an acquire load would order the two";
  }
  return thread_name(by.thread) + " has acquired nothing that " + thread_name(before.thread) +
         " released after its access";
}

void RaceDetector::race(const Accessor& by, const Party& now, const Party& before,
                        std::uintptr_t at) {
  std::string text = describe(now, "") + "\n  races with the " + describe(before, " before it");
  if (now.atomic && before.atomic) {
    text += "\n  both are atomic, but not of one object: they overlap in part";
  }
  choices_.memory_fault(VerdictKind::data_race,
                        text + "\n  missing edge: " + missing_edge(by, before) + place(at));
  __builtin_unreachable();  // g++ forgets that a virtual function does not return
}

void RaceDetector::use_after_free(const Accessor& by, const Cell& cell, std::uintptr_t at,
                                  std::size_t size, const char* what) {
  const Block& block = blocks_[cell.location];
  std::string text = std::string(what) + " of " + bytes_of(size) + " by " + thread_name(by.thread) +
                     " at " + choices_.describe_pc(by.pc) + "\n  in a block of " +
                     bytes_of(block.size) + " freed by " + thread_name(block.freed_by) + " at " +
                     choices_.describe_pc(block.freed_pc);
  if (at >= block.address) text += "\n  place: byte " + std::to_string(at - block.address);
  if (block.allocated) {
    text += "\n  allocated by " + thread_name(block.allocated_by) + " at " +
            choices_.describe_pc(block.allocated_pc);
  }
  choices_.memory_fault(VerdictKind::use_after_free, text);
  __builtin_unreachable();
}

}  // namespace aiosim::memory
