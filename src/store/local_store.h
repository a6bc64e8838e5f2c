#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "store/log/log.h"
#include "store/store.h"

namespace penstock::store {

struct LocalStoreOptions {
  std::string database;       // file of the tables
  std::string log_directory;  // made when it is missing
  LogOptions log;
  Millis apply_after{500};                // turns are gathered so long: several changes of a job become one row write
  std::uint64_t apply_bytes = 16U << 20;  // or until they are so large
  std::uint64_t load_input_bytes =
      std::numeric_limits<std::uint64_t>::max();  // inputs of queued jobs that load() brings
  std::uint64_t backlog_bytes_max = 256U << 20;   // commit() waits when more than this is not in the tables yet
};

/// The default store: a turn is durable once it is in the log (store/log), and a thread of the store brings it into
/// SQLite tables (sqlite_store.h), where it is read from later. Closing it brings everything there.
///
/// `random` names a new log, and is not kept. Errors: unavailable (the tables or the log cannot be read or written, do
/// not belong together, or are damaged; the message says where, and that `penstock doctor` can say more).
Result<std::unique_ptr<Store>> open_local_store(LocalStoreOptions options, Random& random);

}  // namespace penstock::store
