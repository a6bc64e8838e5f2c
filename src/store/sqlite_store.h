#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "store/log/frame.h"
#include "store/store.h"

namespace penstock::store {

/// How far the tables follow the log in front of them (store/log/log.h).
struct LogPosition {
  std::uint64_t log = 0;      // which log; 0: none was ever used
  std::uint64_t applied = 0;  // sequence of the last turn that the tables have
  bool is_open = false;       // turns may be in the log that the tables do not have

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

/// The state as tables of an SQLite database with a rollback journal and synchronous=FULL. As a store by itself, a turn
/// is one transaction.
///
/// Calls may come from two threads. A reader comes in between two steps of a transaction, and finds what these have
/// written.
class SqliteStore : public Store {
 public:
  /// As load(); of queued jobs only the first have their input, as many as fit, and those that have a webhook.
  virtual Result<core::StoredState> load_within(std::uint64_t input_bytes) = 0;
  /// As read_inputs(), on the caller's thread.
  virtual Result<std::vector<core::JobInput>> find_inputs(const core::ReadInputs& wanted) = 0;

  virtual Result<LogPosition> log_position() = 0;
  virtual Result<void> save(const LogPosition& position) = 0;

  using InHaste = std::function<bool()>;
  static bool always() { return true; }
  /// Applies the turns and `position` in one transaction. Between two steps, while `in_haste` says no, any thread that
  /// wants the processor comes first. Errors: unavailable; then nothing of it is there.
  virtual Result<void> apply(std::span<const SharedTurn> turns, const LogPosition& position,
                             const InHaste& in_haste) = 0;
  Result<void> apply(std::span<const SharedTurn> turns, const LogPosition& position) {
    return apply(turns, position, always);
  }

  /// Reads every page. Errors: unavailable, with what SQLite found.
  virtual Result<void> check() = 0;
  /// Makes every index anew from its table. Errors: unavailable.
  virtual Result<void> rebuild_indexes() = 0;
};

/// Opens or creates the file and migrates an older schema. Errors: unavailable (cannot open, damaged, schema newer than
/// this program).
Result<std::unique_ptr<SqliteStore>> open_sqlite_store(const std::string& file);

/// What a file says about itself.
struct SqliteFacts {
  int schema = 0;
  LogPosition position;
  bool has_account = false;  // a server has started on it
};
/// Reads every page, and leaves the schema as it is. Errors: unavailable (as open_sqlite_store, or what is damaged).
Result<SqliteFacts> inspect_sqlite(const std::string& file);

}  // namespace penstock::store
