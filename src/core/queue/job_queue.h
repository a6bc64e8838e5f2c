#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>

#include "base/time.h"
#include "core/model/job.h"

namespace penstock::core {

struct JobEntry;

/// The waiting jobs of one endpoint. Within a priority the one that was queued first goes first. A job of high priority
/// goes before others as if it had come `ageing` earlier, one of low priority as if it had come `ageing` later: so
/// whoever waits long enough is overtaken by nobody. A job knows its own place, so leaving from anywhere is O(log n).
class JobQueue {
 public:
  /// A job's place. The same place again, after the job was lost with its worker, makes it next as it was before.
  struct Place {
    Priority priority = Priority::normal;
    Time queued{};
    std::int64_t arrival = 0;  // tells those apart that were queued at the same time

    friend bool operator==(const Place&, const Place&) = default;
  };

  void add(JobEntry* job, const Place& place);
  void remove(const Place& place);

  /// The job to hand out next; null when empty.
  JobEntry* front(Millis ageing) const;
  /// The one that waits longest; null when there is none.
  JobEntry* oldest_normal() const;  // of normal and high priority
  JobEntry* oldest_low_priority() const { return first(Priority::low); }

  /// Of normal and high priority.
  int normal_count() const { return count(Priority::high) + count(Priority::normal); }
  int low_priority_count() const { return count(Priority::low); }
  int size() const { return normal_count() + low_priority_count(); }

 private:
  struct Key {
    Time queued{};
    std::int64_t arrival = 0;

    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Line = std::map<Key, JobEntry*>;

  const Line& line(Priority priority) const { return lines_[static_cast<std::size_t>(priority)]; }
  JobEntry* first(Priority priority) const { return line(priority).empty() ? nullptr : line(priority).begin()->second; }
  int count(Priority priority) const { return static_cast<int>(line(priority).size()); }

  std::array<Line, 3> lines_;
};

}  // namespace penstock::core
