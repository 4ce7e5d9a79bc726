#include "suite.h"

#include <string>
#include <utility>

#include "rules.h"
#include "program.h"
#include "scenario.h"

namespace properties {
namespace {

constexpr std::uint32_t offers_of_parts = offers_thread_pool | offers_coroutines |
                                         offers_virtqueue | offers_loop_threads |
                                         offers_linux_aio | offers_lock_count;

void describe_backend(aiosim::Backend& backend) {
  const auto& module = *static_cast<const BackendModule*>(backend.module->entry());
  if (module.abi != backend_abi) {
    throw aiosim::BadInput(backend.module->file() + ": expected a backend module of version " +
                           std::to_string(backend_abi) + ", found version " +
                           std::to_string(module.abi));
  }
  if (!backend.module->instrumented()) {
    throw aiosim::BadInput(backend.module->file() + ": compiled without -fsanitize=thread, so that "
                           "nothing in it could be checked; expected a module made by "
                           "aiosim_add_backend()");
  }
  const auto refused = [&backend](const char* what) {
    return aiosim::BadInput(backend.module->file() + ": expected " + what +
                            " in its BackendModule, found a null pointer");
  };
  if (module.name == nullptr || *module.name == '\0') throw refused("a name");
  if (module.create == nullptr) throw refused("create()");
  if (module.payload_store == nullptr || module.payload_load == nullptr) {
    throw refused("payload_store() and payload_load()");
  }
  if ((module.offers & offers_ring_requests) != 0 && module.free_request == nullptr) {
    throw refused("free_request(), which offers_ring_requests wants,");
  }
  if ((module.offers & offers_of_parts) != 0 && module.parts == nullptr) {
    throw refused("parts, which its offers want (parts.h),");
  }
  backend.name = module.name;
  backend.forked = module.forked;
  backend.offers = words_of(module.offers);
}

}  // namespace

aiosim::Suite make_suite() {
  aiosim::Suite suite;
  for (Scenario& scenario : scenarios()) {
    suite.properties.push_back(make_property(std::move(scenario)));
  }
  suite.rules = rules();
  suite.entry_symbol = "aiosim_backend";
  suite.describe = describe_backend;
  return suite;
}

}  // namespace properties
