// The writable state of the modules under test: what is brought back before each run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace aiosim::runtime {

/// Remembers the writable segments and the thread_local image of the shared object that contains
/// `address`.
void remember_module(const void* address);
void forget_module(const void* address);

/// Is the object that is loaded at `base` one of them?
bool is_remembered(std::uintptr_t base);

using VisitBytes = std::function<void(const void* at, std::size_t size)>;
/// The writable segments of the modules, and this thread's thread_locals of them.
void each_segment(const VisitBytes& visit);
void each_tls_block(const std::vector<void*>& blocks, const VisitBytes& visit);

/// Before a run: the segments as they were remembered.
void restore_segments();
/// `blocks`: a thread's block of each module's thread_locals, null where a module has none. Found
/// with that thread's %fs; to be found again if there are more modules since.
extern __attribute__((visibility("hidden"))) std::size_t module_count;
void find_tls_blocks(std::vector<void*>& blocks);
/// They become what a new thread sees.
void restore_tls_images(const std::vector<void*>& blocks);

}  // namespace aiosim::runtime
