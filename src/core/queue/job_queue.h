#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "base/time.h"
#include "core/model/job.h"

namespace penstock::core {

struct JobEntry;

/// A request of a batch goes behind others as if it had come so much later.
inline constexpr Millis kBatchYields{3'600'000};

/// The waiting jobs of one endpoint. Within a priority the one that was queued first goes first. A job of high priority
/// goes before others as if it had come `ageing` earlier, one of low priority as if it had come `ageing` later: so
/// whoever waits long enough is overtaken by nobody. Requests of batches wait in a line of their own, unless their
/// priority says otherwise: low as any other, high like one of normal priority. A job knows its own place, so leaving
/// from anywhere is O(log n).
class JobQueue {
 public:
  /// A job's place. The same place again, after the job was lost with its worker, makes it next as it was before.
  struct Place {
    Priority priority = Priority::normal;
    Time queued{};
    std::int64_t arrival = 0;  // tells those apart that were queued at the same time
    bool in_batch = false;

    friend bool operator==(const Place&, const Place&) = default;
  };

  void add(JobEntry* job, const Place& place);
  void remove(const Place& place);

  /// The first `count` in the order in which they are handed out.
  std::vector<JobEntry*> first(int count, Millis ageing) const;
  /// The job to hand out next; null when empty.
  JobEntry* front(Millis ageing) const;
  /// The one that waits longest; null when there is none.
  JobEntry* oldest_normal() const;  // of normal and high priority, and of batches
  JobEntry* oldest_low_priority() const { return first(kLow); }

  /// Of normal and high priority, and of batches.
  int normal_count() const { return count(kHigh) + count(kNormal) + count(kBatch); }
  int batch_count() const { return count(kBatch); }
  int low_priority_count() const { return count(kLow); }
  int size() const { return normal_count() + low_priority_count(); }

 private:
  struct Key {
    Time queued{};
    std::int64_t arrival = 0;

    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Line = std::map<Key, JobEntry*>;
  static constexpr std::size_t kHigh = 0;  // in the order in which they go when they are equally old
  static constexpr std::size_t kNormal = 1;
  static constexpr std::size_t kBatch = 2;
  static constexpr std::size_t kLow = 3;

  static std::size_t line_of(const Place& place);
  JobEntry* first(std::size_t line) const { return lines_[line].empty() ? nullptr : lines_[line].begin()->second; }
  int count(std::size_t line) const { return static_cast<int>(lines_[line].size()); }

  std::array<Line, 4> lines_;
  Line::node_type spare_;  // of the last one that left: the next one mostly finds the queue empty
};

}  // namespace penstock::core
