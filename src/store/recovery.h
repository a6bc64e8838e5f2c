#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/log/log_reader.h"
#include "store/sqlite_store.h"

namespace penstock::store {

/// Whether the directory holds what the position says. A log that is not there was lost, or one of the two was put back
/// from a copy. Errors: unavailable.
Result<void> check_belonging(const std::string& log_directory, const LogPosition& position);

/// How bringing the log into the tables ended.
struct Replay {
  LogEnd end;
  Error damage;     // of the log; empty when there is none
  Error hindrance;  // not of the log's bytes: the tables cannot be written, or a newer version wrote a turn
  std::vector<SharedTurn> kept;  // the last turns that the tables do not have
  std::vector<std::vector<core::Record>> kept_records;
  std::uint64_t kept_bytes = 0;

  bool is_whole() const { return damage.message.empty() && hindrance.message.empty(); }
};

/// What becomes of the turns before a damage: at a start they are left for the doctor, as far as they were not applied
/// yet.
enum class OnDamage { leave, apply };

/// Brings what the log has and the tables have not into the tables, up to the first damage; `position` follows and is
/// what the tables then say. Up to `keep_bytes` of the log's last turns are read only, for the tables can wait.
Replay replay(SqliteStore& tables, const std::string& log_directory, LogPosition& position, OnDamage on_damage,
              std::uint64_t keep_bytes = 0);

/// The error, and what can be done about it.
Error with_advice(Error error);

}  // namespace penstock::store
