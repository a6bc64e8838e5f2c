#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace penstock::store {

/// The turns that are in the log and not yet in the tables, for those who ask for a job meanwhile. Of the loop's
/// thread.
class Backlog {
 public:
  /// `sequence` is one more than that of the turn before.
  void add(std::uint64_t sequence, Turn turn);
  /// The turns up to `sequence` are in the tables.
  void drop(std::uint64_t sequence);

  /// Whether it says all about this job, so that nobody needs to look into the tables.
  bool holds_whole(const JobId& job);
  /// The job that was added last with this idempotency key; nothing when the tables must say.
  std::optional<JobId> find_keyed(const EndpointId& endpoint, const std::string& idempotency_key);
  /// What becomes of the job that the tables have, or have not.
  void apply_to(std::optional<core::StoredJob>& job, const EndpointId& endpoint, const JobId& id);

 private:
  /// A record and where it stands among all: records of one turn lie one behind the other.
  struct Change {
    std::uint64_t sequence;
    const core::Record* record;

    bool is_before(const Change& other) const {
      return sequence != other.sequence ? sequence < other.sequence : record < other.record;
    }
  };

  void index_all();

  std::uint64_t first_ = 1;  // sequence of turns_.front()
  std::deque<Turn> turns_;
  // Made when somebody asks, for the turns up to `indexed_`: most turns come and go without.
  std::uint64_t indexed_ = 0;
  std::unordered_map<JobId, std::deque<Change>> changes_;
  std::unordered_map<std::string, std::deque<Change>> keyed_;  // jobs added, by endpoint and idempotency key
  std::deque<Change> removals_;                                // of many jobs at once
};

}  // namespace penstock::store
