#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::simulation {

/// `run(seed)` has a bug built in and gives the violation that it ended with, if any. Whether one of the runs notices
/// the bug, for the right reason: `as` must stand in the message.
template <class Run>
testing::AssertionResult is_noticed(std::string_view as, std::uint64_t seeds, Run&& run) {
  std::string last = "none";
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::optional<std::string> violation = run(seed);
    if (violation && violation->find(as) != std::string::npos) return testing::AssertionSuccess();
    if (violation) last = *violation;
  }
  return testing::AssertionFailure() << seeds << " runs with this bug, and none was noticed as \"" << as
                                     << "\"; the last violation: " << last;
}

}  // namespace penstock::simulation
