#pragma once

#include <cstddef>

namespace penstock::graphql {

/// What one request may cost. Reaching a bound refuses the document, or makes `data` null, with an error that names it.
struct Limits {
  std::size_t tokens_max = 200'000;
  std::size_t depth_max = 100;          // nested selections (after fragments are followed), values and types
  std::size_t selections_max = 20'000;  // fields and spreads, after fragments are followed
  std::size_t aliases_max = 1'000;
  std::size_t spreads_max = 1'000;  // of fragments, as written
  std::size_t directives_max = 1'000;
  std::size_t definitions_max = 1'000;    // operations and fragments
  std::size_t comparisons_max = 100'000;  // fields looked at for conflicts
  std::size_t errors_max = 100;           // validation stops then, execution goes on without noting more
  std::size_t variable_errors_max = 50;   // and no variable is looked at after that
  std::size_t error_bytes_max = 65'536;   // of all messages together: a refusal must not be dearer than the request
  std::size_t resolved_max = 300'000;     // fields of one answer, selections looked at and list items included
  std::size_t answer_bytes_max = 32 * 1024 * 1024;
};

}  // namespace penstock::graphql
