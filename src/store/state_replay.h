#pragma once

#include <span>
#include <vector>

#include "store/store.h"

namespace penstock::store {

/// What the state becomes by these turns: a start need not wait until the tables have them. False: that takes something
/// that is in the tables only, a terminal job that was begun anew or a settled delivery that was; `state` is then of no
/// use.
bool replay_over(core::StoredState& state, std::span<const std::vector<core::Record>> turns);

}  // namespace penstock::store
