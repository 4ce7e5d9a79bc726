// The writable state of the modules under test: what is brought back before each run.
#pragma once

#include <string>
#include <vector>

namespace aiosim::runtime {

/// Remembers the writable segments and the thread_local image of the shared object that contains
/// `address`.
void remember_module(const void* address);
void forget_module(const void* address);

/// Before a run: the segments as they were remembered.
void restore_segments();
/// On a simulated thread's control block (%fs): its blocks of the modules' thread_locals, made at
/// first use and cached in `blocks`, become what a new thread sees.
void restore_tls_images(std::vector<void*>& blocks);

}  // namespace aiosim::runtime
