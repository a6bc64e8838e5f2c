#pragma once

#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "store/log/record_codec.h"

namespace penstock::store {

/// One thing to write.
struct TurnStep {
  const core::Record* record = nullptr;  // null: it is of a job
  EncodedJob job;                        // with the state, and the output if any is set, that the turns leave it with
};

/// The steps that leave the same state as the turns' records applied one by one, with one row write for each job and
/// each endpoint's counters, and for each batch. Points into the turns.
struct TurnPlan {
  std::vector<TurnStep> steps;
  std::deque<core::Record> records;  // that steps point to
};

/// Calls `before_each` turn: there may be thousands. Throws DamagedTurn.
TurnPlan plan_turns(std::span<const SharedTurn> turns, const std::function<void()>& before_each = [] {});

}  // namespace penstock::store
