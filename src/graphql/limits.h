#pragma once

#include <cstddef>

namespace penstock::graphql {

/// What one document may cost. Reaching a bound refuses the document with an error that names it.
struct Limits {
  std::size_t tokens_max = 200'000;
  std::size_t depth_max = 100;           // nested selections, values and types
  std::size_t selections_max = 20'000;   // fields and spreads, after fragments are followed
  std::size_t directives_max = 1'000;
  std::size_t definitions_max = 1'000;   // operations and fragments
  std::size_t errors_max = 100;          // validation stops then
};

}  // namespace penstock::graphql
