// The texts of data races, uses of freed memory and accesses out of bounds.
#include "memory/race_detector.h"

#include <utility>

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

std::string RaceDetector::lines(const CallStack& stack) {
  std::string text;
  for (const void* pc : stack.pcs) {
    if (pc == nullptr || (!text.empty() && !choices_.is_of_stack(pc))) break;
    text += (text.empty() ? "\n    in " : "\n    called from ") + choices_.describe_pc(pc);
  }
  return text;
}

// One end of a block's life: "freed by thread 1 at x", and the stack.
std::string RaceDetector::ends(const char* word, std::uint32_t thread, const CallStack& stack) {
  return std::string(word) + " by " + thread_name(thread) + " at " +
         choices_.describe_pc(stack.pc()) + lines(stack);
}

std::string RaceDetector::allocation(const Block& block) {
  if (!block.allocated) return {};
  return "\n  " + ends("allocated", block.allocated_by, block.allocated_at);
}

std::string RaceDetector::release(const Block& block) {
  if (!block.freed) return {};
  return "\n  " + ends("freed", block.freed_by, block.freed_at);
}

std::string RaceDetector::describe_allocation(std::uintptr_t at) {
  const Block* const block = blocks_.at(at);
  if (block == nullptr || !block->allocated) return "allocated unseen";
  return ends("allocated", block->allocated_by, block->allocated_at);
}

std::string RaceDetector::describe_block(std::uintptr_t at) {
  const Block* block = blocks_.find(at);
  if (block != nullptr) {
    return "\n  place: byte " + std::to_string(at - block->address) + " of a block of " +
           bytes_of(block->size) + release(*block) + allocation(*block);
  }
  block = blocks_.nearest(at);
  if (block == nullptr) return {};
  const bool before = at < block->address;
  const std::uintptr_t distance = before ? block->distance(at) : block->distance(at) - 1;
  return "\n  place: " + std::to_string(distance) + " bytes " +
         (before ? "before" : "past the end of") + " a block of " + bytes_of(block->size) +
         release(*block) + allocation(*block);
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
  text += "\n  missing edge: " + missing_edge(by, before) + describe_block(at);
  choices_.memory_fault(VerdictKind::data_race, std::move(text));
  __builtin_unreachable();  // g++ forgets that a virtual function does not return
}

void RaceDetector::use_after_free(const Accessor& by, const Cell& cell, std::uintptr_t at,
                                  std::size_t size, const char* what) {
  const Block& block = blocks_[cell.location];
  std::string text = std::string(what) + " of " + bytes_of(size) + " by " + thread_name(by.thread) +
                     " at " + choices_.describe_pc(by.pc) + choices_.describe_stack(by.pc) +
                     "\n  in a block of " + bytes_of(block.size) + " " +
                     ends("freed", block.freed_by, block.freed_at);
  if (at >= block.address) text += "\n  place: byte " + std::to_string(at - block.address);
  text += allocation(block);
  choices_.memory_fault(VerdictKind::use_after_free, std::move(text));
  __builtin_unreachable();
}

void RaceDetector::out_of_bounds(const Accessor& by, std::uintptr_t at, std::size_t size,
                                 const char* what) {
  std::string text = std::string(what) + " of " + bytes_of(size) + " by " + thread_name(by.thread) +
                     " at " + choices_.describe_pc(by.pc) + " is out of bounds" +
                     choices_.describe_stack(by.pc);
  const Block* const block = blocks_.find(at);
  if (block != nullptr) {
    text += "\n  it begins " + std::to_string(block->address + block->size - at) +
            " bytes before the end of the block";
  }
  text += describe_block(at);
  choices_.memory_fault(VerdictKind::out_of_bounds, std::move(text));
  __builtin_unreachable();
}

}  // namespace aiosim::memory
