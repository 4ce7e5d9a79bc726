// The module's entry: every family.
#include "litmus.h"

namespace litmus {

const Family* const families[] = {
    &store_buffering,   &message_passing,
    &load_buffering,    &coherence,
    &causality,         &independent_reads,
    &write_orders,      &release_sequences,
    &read_modify_write, &compare_exchange,
    &mutual_exclusion,  &seqlock,
    &plain_accesses,    &sizes,
};

}  // namespace litmus

extern "C" {
extern const std::span<const litmus::Family* const> aiosim_litmus;
constinit const std::span<const litmus::Family* const> aiosim_litmus = litmus::families;
}
