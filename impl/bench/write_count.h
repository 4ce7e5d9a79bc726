// How often this thread has called write(2): the event fd writes of a library show here.
#pragma once

#include <cstdint>

namespace bench {

std::int64_t writes_of_this_thread();

}  // namespace bench
