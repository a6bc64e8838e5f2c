#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "store/store.h"

namespace penstock::store {

/// The journal as an SQLite database in WAL mode with synchronous=FULL: a turn is one transaction. Opens or creates the
/// file and migrates an older schema. Errors: unavailable (cannot open, damaged, schema newer than this program).
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& file);

}  // namespace penstock::store
