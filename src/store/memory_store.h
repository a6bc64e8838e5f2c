#pragma once

#include <memory>

#include "store/store.h"

namespace penstock::store {

/// Applies records to state held in memory, for tests and the simulation. load() may be called again at any time, so a
/// "restart" on the same object works.
std::unique_ptr<Store> make_memory_store(core::StoredState state = {});

}  // namespace penstock::store
