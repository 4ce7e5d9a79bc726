// aiosim list: what there is to name.
#include <array>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/words.h"
#include "explore/strategy.h"

namespace aiosim::cli {
namespace {

using Part = ListReport::Part;

Part properties(Catalog& catalog) {
  Part part{"properties", {}};
  for (const auto& property : catalog.suite().properties) {
    part.entries.push_back({std::string(property->name()), std::string(property->sentence()),
                            property->rules()});
  }
  return part;
}

Part rules(Catalog& catalog) {
  Part part{"rules", {}};
  for (const Rule& rule : catalog.suite().rules) {
    part.entries.push_back({rule.name, rule.sentence, {}});
  }
  return part;
}

Part backends(Catalog& catalog) {
  Part part{"backends", {}};
  for (const std::string& name : catalog.backend_names()) {
    try {
      const Backend& backend = catalog.backend(name);
      part.entries.push_back({backend.name, "offers " + join(backend.offers, ", "),
                              backend.offers});
    } catch (const BadInput& error) {  // one broken module must not hide the others
      part.entries.push_back({name, error.what(), {}});
    }
  }
  return part;
}

Part strategy_part(Catalog&) {
  Part part{"strategies", {}};
  for (const StrategyName& strategy : strategies()) {
    part.entries.push_back({std::string(strategy.name), std::string(strategy.sentence), {}});
  }
  part.entries.push_back({"exhaustive", "every schedule of one program (explore alone)", {}});
  return part;
}

const char* duty(fault::Duty duty) {
  switch (duty) {
    case fault::Duty::survive: return "a correct loop works on";
    case fault::Duty::report: return "a correct loop may report it";
    case fault::Duty::end: return "a correct loop may end the process";
  }
  return "";
}

Part faults(Catalog&) {
  Part part{"faults", {}};
  for (const fault::Plan& plan : fault::built_in_plans()) {
    ListEntry entry{plan.name, "plan: ", {}};
    for (const fault::PointId id : plan.points) {
      entry.more.emplace_back(fault::catalogue()[static_cast<std::size_t>(id)].name);
    }
    entry.sentence += entry.more.empty() ? "nothing goes wrong" : join(entry.more, ", ");
    part.entries.push_back(std::move(entry));
  }
  for (const fault::Point& point : fault::catalogue()) {
    part.entries.push_back({point.name,
                            fmt::format("{} ({})", point.sentence,
                                        duty(point.duty)),
                            {}});
  }
  return part;
}

Part exhibits(Catalog& catalog) {
  Part part{"exhibits", {}};
  for (const Exhibit& exhibit : catalog.exhibits()) {
    part.entries.push_back({exhibit.name,
                            fmt::format("{} on {}, breaks {}: {}", exhibit.bug, exhibit.backend,
                                        exhibit.rule, exhibit.sentence),
                            {exhibit.rule}});
  }
  return part;
}

struct Maker {
  const char* what;
  Part (*make)(Catalog&);
};
constexpr std::array<Maker, 6> makers = {{{"properties", properties},
                                          {"rules", rules},
                                          {"backends", backends},
                                          {"strategies", strategy_part},
                                          {"faults", faults},
                                          {"exhibits", exhibits}}};

void say_part(const Options& options, const Part& part) {
  std::size_t width = 0;
  for (const ListEntry& entry : part.entries) width = std::max(width, entry.name.size());
  say(options, "{}{}\n", part.what, part.entries.empty() ? ": none" : "");
  for (const ListEntry& entry : part.entries) {
    const std::string more =
        part.what == "properties" ? "  [" + join(entry.more, " ") + "]" : std::string();
    say(options, "  {:<{}}  {}{}\n", entry.name, width, entry.sentence, more);
  }
}

}  // namespace

int run_list(const Options& options, Catalog& catalog) {
  ListReport report;
  std::vector<std::string> known;
  for (const Maker& maker : makers) {
    known.emplace_back(maker.what);
    if (options.what.empty() || options.what == maker.what) {
      report.parts.push_back(maker.make(catalog));
    }
  }
  if (report.parts.empty()) unknown_word("list of", options.what, known);
  for (const Part& part : report.parts) say_part(options, part);
  print_json(options, json(report));
  return 0;
}

}  // namespace aiosim::cli
