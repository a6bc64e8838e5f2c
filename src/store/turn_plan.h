#pragma once

#include <span>
#include <vector>

#include "core/records.h"

namespace penstock::store {

/// One thing to write. For JobAdded and JobChanged, `state` and `output` are what the turn leaves the job with, which a
/// later record of the turn may have brought; `output` null: not touched.
struct TurnStep {
  const core::Record* record;
  const core::JobState* state = nullptr;
  const core::Bytes* output = nullptr;
};

/// The steps that leave the same state as the turn's records applied one by one, with one row write for each job and
/// each endpoint's counters. Points into `turn`.
std::vector<TurnStep> plan_turn(std::span<const core::Record> turn);

}  // namespace penstock::store
