#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/sqlite_store.h"

namespace penstock::store {

// What `penstock doctor` does. Nobody else may have the data directory open meanwhile.

struct DataFiles {
  std::string database;  // must exist, or the log's directory must
  std::string log_directory;
};

/// What a data directory holds, and what is wrong with it.
struct Examination {
  SqliteFacts tables;
  int schema_known = 0;  // the newest schema of this program
  std::size_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t last = 0;             // the last turn that can be read, in the log or applied
  std::vector<std::string> problems;  // each with its file and, in the log, its offset
};

/// Changes nothing, but for what SQLite does by itself when it opens a file after a crash.
Examination examine(const DataFiles& files);

/// Something that a lost turn said about a job.
struct LostChange {
  std::string job;
  std::string what;  // "submitted to <endpoint>", or the state that it came to
};

struct Repair {
  std::uint64_t brought = 0;  // turns that went from the log into the tables
  bool is_anything_lost = false;
  std::uint64_t lost_from = 0;      // first turn that is lost
  std::uint64_t lost_through = 0;   // the last one that is known of; 0: nothing says how many there were
  std::uint64_t lost_bytes = 0;     // of the log, with those that cannot be read
  std::uint64_t readable = 0;       // of the lost turns
  std::vector<LostChange> jobs;     // what the readable ones say
  std::uint64_t other_changes = 0;  // and how much else they say: of endpoints, workers, counters
  std::string moved_to;             // where the damaged segments are now; empty: none was moved
  std::vector<std::string> moved;   // their file names
  bool rebuilt_indexes = false;
};

/// Brings everything before the damage into the tables, moves what is behind it aside, and leaves files that
/// open_local_store() accepts. A turn behind a lost one is not applied: it may rest on what was lost. Errors:
/// unavailable (this cannot be repaired here; the message says why and what else there is).
Result<Repair> repair(const DataFiles& files, Time now);

}  // namespace penstock::store
