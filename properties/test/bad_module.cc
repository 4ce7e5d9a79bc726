// Modules that are none: each is wrong in one way, which the command has to say (ci/bad_input).
#include "properties/backend.h"

#ifndef BAD_ABI
#define BAD_ABI properties::backend_abi
#endif
#ifndef BAD_NAME
#define BAD_NAME "bad"
#endif
#ifndef BAD_OFFERS
#define BAD_OFFERS properties::offers_bottom_halves
#endif

namespace {
properties::Loop* create(const properties::LoopOptions&) { return nullptr; }
void store(std::uint64_t*, std::uint64_t) {}
std::uint64_t load(const std::uint64_t*) { return 0; }
}  // namespace

extern "C" const properties::BackendModule aiosim_backend = {
    BAD_ABI, BAD_NAME, BAD_OFFERS, create, store, load};
