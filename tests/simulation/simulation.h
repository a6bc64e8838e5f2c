#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ledger.h"
#include "scenario.h"

namespace penstock::simulation {

struct Outcome {
  std::optional<std::string> violation;
  std::uint64_t trace = 0;  // equal for equal scenarios
  Time end{};               // virtual
  Tally tally;
  std::map<core::WaitCode, int> waits;  // how often each reason to wait was given
};

inline constexpr int kDefaultSteps = 120;

/// One whole run. Never throws for a broken promise: it is in the outcome. An ENSURE of the engine ends the process,
/// after the seed was printed.
Outcome simulate(const Scenario& scenario);

/// The command line that runs this seed again.
std::string reproduce(std::uint64_t seed, int steps);

}  // namespace penstock::simulation
