// What a run leaves in its arena: lost blocks are leaks, those that somebody still points to are
// leftovers.
//
// A block counts as held if its address, or one inside it, lies in a writable segment of a loaded
// object (libaiosim.so apart), a thread_local, an argument, a result or a key's value of a thread,
// the stack of a thread that has not ended, a simulated kernel object, or in a block that is held.
// The harness's own heap does not count: what it was given it gives back.
#pragma once

#include <string>
#include <vector>

namespace aiosim::runtime {

class World;

struct HeapRemains {
  std::string lost;               // the text of a leak, "" if there is none
  std::vector<std::string> held;  // a line each: who holds what
};

/// After a run, before anything is reset. `describe_held` costs reading symbol tables.
HeapRemains find_remains(World& world, bool describe_held);

/// What an address of no heap is, if malloc cannot have given it: "the address of a local
/// variable", "the address of a static object"; else null.
const char* not_of_the_heap(const void* at);

}  // namespace aiosim::runtime
