#include "explore/rates.h"

#include <fmt/format.h>

namespace aiosim {

std::string describe_rate(std::uint32_t per_million) {
  return fmt::format("{}", per_million / 1e6);
}

std::string Rates::describe() const {
  std::string text;
  for (std::size_t i = 0; i < kind_count; ++i) {
    const auto kind = static_cast<Kind>(i);
    if (kind == Kind::sched) continue;
    text += ", " + std::string(name(kind)) + ' ' + describe_rate(rates_[i]);
  }
  return text;
}

}  // namespace aiosim
