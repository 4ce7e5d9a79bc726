// What can be named on the command line, found and loaded: properties, backends, plans, exhibits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aiosim/property.h"
#include "cli/museum_file.h"
#include "fault/points.h"

namespace aiosim::cli {

class Catalog {
 public:
  explicit Catalog(const Suite& suite);

  const Suite& suite() const { return suite_; }

  std::vector<std::string> property_names() const;
  std::vector<std::string> rule_names() const;
  /// Modules beside the executable, ../lib/aiosim/NAME.so, sorted.
  std::vector<std::string> backend_names() const { return backends_; }
  std::vector<std::string> exhibit_names() const { return exhibit_modules_; }
  std::vector<std::string> plan_names() const;

  /// Each throws BadInput with one line that lists what exists.
  const Property& property(const std::string& name) const;
  std::vector<const Property*> properties(const std::vector<std::string>& names) const;
  /// A backend's or exhibit's name, or a module's file. Loaded once.
  const Backend& backend(const std::string& name_or_file);
  /// The named ones; every ordinary one if there are no names.
  std::vector<const Backend*> backends(const std::vector<std::string>& names);
  /// "each": no faults and then every built-in plan in turn; else that one plan.
  std::vector<fault::Plan> plans(const std::string& text) const;
  void check_strategy(const std::string& name) const;

  /// ../share/aiosim/museum.toml, which must be there.
  std::vector<Exhibit> exhibits() const;

  /// The folder one above the executable's.
  const std::string& prefix() const { return prefix_; }

 private:
  const Backend& load(const std::string& name, const std::string& file, bool exhibit);

  const Suite& suite_;
  std::string prefix_;
  std::vector<std::string> backends_;
  std::vector<std::string> exhibit_modules_;
  std::map<std::string, Backend> loaded_;  // by file
};

}  // namespace aiosim::cli
