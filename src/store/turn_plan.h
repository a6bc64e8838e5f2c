#pragma once

#include <span>
#include <vector>

#include "store/store.h"

namespace penstock::store {

/// One thing to write. For JobAdded and JobChanged, `state` and `output` are what the turns leave the job with, which a
/// later record may have brought; `output` null: not touched.
struct TurnStep {
  const core::Record* record;
  const core::JobState* state = nullptr;
  const core::Bytes* output = nullptr;
};

/// The steps that leave the same state as the turns' records applied one by one, with one row write for each job and
/// each endpoint's counters, and for each batch. Points into `turns`.
std::vector<TurnStep> plan_turns(std::span<const Turn> turns);

}  // namespace penstock::store
