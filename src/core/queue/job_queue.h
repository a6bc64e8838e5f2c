#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"

namespace penstock::core {

struct JobEntry;

/// The waiting jobs of one endpoint, first come first served, low-priority jobs behind all others. A job knows its own
/// place, so leaving from anywhere is O(log n).
class JobQueue {
 public:
  /// A job's place; whoever holds it must not outlive the queue.
  struct Place {
    bool low_priority = false;
    std::int64_t order = 0;
  };

  Place push_back(JobEntry* job, bool low_priority);
  /// For a job whose worker was lost: it is next.
  Place push_front(JobEntry* job, bool low_priority);
  void remove(const Place& place);

  /// The job to hand out next; null when empty.
  JobEntry* front() const;
  JobEntry* front_normal() const { return normal_.empty() ? nullptr : normal_.begin()->second; }
  JobEntry* front_low_priority() const { return low_priority_.empty() ? nullptr : low_priority_.begin()->second; }

  int normal_count() const { return static_cast<int>(normal_.size()); }
  int low_priority_count() const { return static_cast<int>(low_priority_.size()); }
  int size() const { return normal_count() + low_priority_count(); }

 private:
  using Line = std::map<std::int64_t, JobEntry*>;
  Line& line(bool low_priority) { return low_priority ? low_priority_ : normal_; }

  Line normal_;
  Line low_priority_;
  std::int64_t next_back_ = 0;
  std::int64_t next_front_ = -1;
};

}  // namespace penstock::core
