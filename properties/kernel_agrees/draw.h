// Random sequences, and how a failing one gets shorter.
#pragma once

#include <cstdint>
#include <functional>

#include "kernel_agrees/steps.h"

namespace kernel_agrees {

/// `threads`: some calls are made by others than the main thread.
Sequence draw(std::uint64_t seed, bool threads);

/// The shortest sequence found for which `fails` still holds; it holds for `steps`.
Sequence shrink(const Sequence& steps, const std::function<bool(const Sequence&)>& fails);

}  // namespace kernel_agrees
