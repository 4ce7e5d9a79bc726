// Programs with one planted lifetime fault each, and correct ones of the same shape. Built as an
// instrumented module of its own, as users build theirs.
#pragma once

namespace aiosim::lifetime {

struct Program {
  const char* name;
  void (*run)();
};

struct Programs {
  const Program* begin;
  const Program* end;
};

}  // namespace aiosim::lifetime
