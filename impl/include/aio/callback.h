// The two shapes of callback the loop knows. A plain function and its argument: nothing is
// allocated and nothing is copied on the way from an event to the code that handles it.
//
// A callback runs in the context's home thread. It must not throw: an exception that leaves it ends
// the process (std::terminate), because the loop has no caller that could repair its state.
#pragma once

namespace aio {

/// Does work. `opaque` is the pointer given at registration.
using Callback = void (*)(void* opaque);

/// Tests a condition without processing anything (R60); true means "ready".
using PollCallback = bool (*)(void* opaque);

}  // namespace aio
