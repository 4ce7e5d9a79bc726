// What the command knows of properties and backends. A binary registers its own in a Suite and
// calls aiosim::main (main.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aiosim/module.h"
#include "aiosim/program.h"
#include "aiosim/run.h"
#include "aiosim/verdict.h"

namespace aiosim {

/// One program of one property on one backend, run many times under different schedules.
class Execution {
 public:
  virtual ~Execution() = default;
  /// The run: called on a world's first thread, or on a real thread on the real kernel. Starts
  /// from nothing each time.
  virtual void body() = 0;
  /// After the run: what the oracles say. `result` holds the runtime's verdict (deadlock, data
  /// race, pass ...); an oracle may replace it by the rule that was broken, and must fill in
  /// Verdict::rule. On the host world `result` has a verdict and nothing else.
  virtual Verdict judge(const RunResult& result) = 0;
};

/// A backend: a loaded module behind the interface that the properties define.
struct Backend {
  std::string name;                   // "reference-epoll", or the file's name
  std::shared_ptr<Module> module;
  std::string base;                   // exhibit: the backend that it is a patched copy of; else ""
  std::vector<std::string> offers;    // rules' capabilities it claims, from the module
  bool forked = false;                // each world in a child process (forked.h)
};

class Property {
 public:
  virtual ~Property() = default;
  virtual std::string_view name() const = 0;      // "every_notify_wakes"
  virtual std::string_view sentence() const = 0;  // one positive sentence that can be false
  virtual const std::vector<std::string>& rules() const = 0;  // "R36", "S14.1"
  /// Does `backend` offer what the property needs?
  virtual bool offered(const Backend& backend) const = 0;
  /// What of it `backend` does not offer, in the words of Backend::offers.
  virtual std::vector<std::string> lacked(const Backend&) const { return {}; }
  /// Do its programs end soon by a real clock too, so that they can run on the host?
  virtual bool on_host() const { return true; }
  /// A program drawn by RapidCheck's generators from `seed` alone; `size` is 1 to 100.
  virtual Program generate(std::uint64_t seed, int size) const = 0;
  /// RapidCheck's shrinks of `program`, each offered to `keep`, which says whether the smaller one
  /// still fails; goes on from those kept. Ends when none is.
  virtual void shrink(const Program& program,
                      const std::function<bool(const Program&)>& keep) const = 0;
  /// Binds a program to a backend; throws BadInput naming part and line of a bad operation.
  virtual std::unique_ptr<Execution> prepare(const Program& program,
                                             const Backend& backend) const = 0;
};

struct Rule {
  std::string name;      // "R13"
  std::string sentence;  // what it says, one line
};

/// Everything that the command offers.
struct Suite {
  std::vector<std::unique_ptr<Property>> properties;
  std::vector<Rule> rules;
  /// The symbol that a backend module must export, and how a loaded one is described.
  const char* entry_symbol = nullptr;
  /// Fills `name` and `offers` from a loaded module; throws BadInput if its version differs.
  std::function<void(Backend&)> describe;
};

}  // namespace aiosim
