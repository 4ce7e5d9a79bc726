#include <algorithm>

#include "program.h"

namespace properties {

const Part* Case::find(Role role, int number) const {
  for (const Part& part : parts) {
    if (part.role == role && part.number == number) return &part;
  }
  return nullptr;
}

Part& Case::get(Role role, int number) {
  for (Part& part : parts) {
    if (part.role == role && part.number == number) return part;
  }
  parts.push_back({role, number, {}});
  return parts.back();
}

std::int64_t Case::option(Verb verb, std::int64_t otherwise) const {
  if (const Part* options = find(Role::options)) {
    for (const Op& op : options->ops) {
      if (op.verb == verb) return op.amount;
    }
  }
  return otherwise;
}

int Case::producers() const {
  int highest = 0;
  for (const Part& part : parts) {
    if (part.role == Role::producer) highest = std::max(highest, part.number);
  }
  return highest;
}

}  // namespace properties
