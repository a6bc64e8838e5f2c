#pragma once

#include "core/engine.h"
#include "ledger.h"
#include "store/store.h"

namespace penstock::simulation {

bool equal(const core::StoredJob& a, const core::StoredJob& b);

/// Between turns, the engine, the store and the ledger must tell the same story. Throws Violation.
void check_states(Time now, const core::Engine& engine, store::Store& store, const Ledger& ledger);

/// Whether a worker more would find a place, now or with every GPU free; found in another way than the engine's.
bool fits(const std::vector<core::Node>& nodes, const Ledger& ledger, const core::Endpoint& endpoint,
          bool all_free = false);

/// With no fault left and time passed: workersMin is there where it fits, and nobody waits for a GPU that is free.
void check_staff(Time now, const core::Engine& engine, const Ledger& ledger);

/// Two stores that were given the same records, one of them every record twice. Throws Violation.
void check_twins(store::Store& store, store::Store& twin);

}  // namespace penstock::simulation
