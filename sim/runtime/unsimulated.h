// What defines a libc function that a world does not have: under test a call ends the run by name.
#pragma once

#include "runtime/libc_call.h"
#include "runtime/real.h"

// FUNCTION(parameters) calls the real one with `arguments`. `spec` is libc's exception
// specification, which a definition has to repeat.
#define UNSIMULATED(result, function, parameters, arguments, spec) \
  result function parameters spec {                                \
    if (aiosim::runtime::under_test()) {                           \
      aiosim::runtime::not_simulated(#function "()");              \
    }                                                              \
    return AIOSIM_REAL(function) arguments;                        \
  }
