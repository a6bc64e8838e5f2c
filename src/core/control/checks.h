#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace penstock::core {

/// Collects the first refusal of an input; later checks are skipped.
class Checks {
 public:
  void range(std::string_view name, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (!failed_ && (value < low || value > high)) {
      failed_ = Error{Errc::invalid, std::string(name) + " is " + std::to_string(value) + "; it must be from " +
                                         std::to_string(low) + " to " + std::to_string(high)};
    }
  }
  void require(bool condition, std::string message, Errc code = Errc::invalid) {
    if (!failed_ && !condition) failed_ = Error{code, std::move(message)};
  }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  std::optional<Error> failed_;
};

}  // namespace penstock::core
