// What the files that write JSON share. Only they see nlohmann's header.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "aiosim/verdict.h"

namespace aiosim::cli {

using Json = nlohmann::ordered_json;

inline std::string hex(std::uint64_t hash) { return fmt::format("0x{:016x}", hash); }

/// Texts of the code under test may hold any bytes: those that are no UTF-8 become U+FFFD.
inline std::string dump(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

inline Json optional(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

inline void add_verdict(Json& json, const Verdict& verdict) {
  json["verdict"] = name(verdict.kind);
  json["rule"] = optional(verdict.rule);
  json["text"] = verdict.text;
}

}  // namespace aiosim::cli
