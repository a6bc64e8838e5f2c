#include "core/queue/job_queue.h"

#include "base/error.h"

namespace penstock::core {

void JobQueue::add(JobEntry* job, const Place& place) {
  ENSURE(lines_[static_cast<std::size_t>(place.priority)].emplace(Key{place.queued, place.arrival}, job).second);
}

void JobQueue::remove(const Place& place) {
  ENSURE(lines_[static_cast<std::size_t>(place.priority)].erase(Key{place.queued, place.arrival}) == 1);
}

JobEntry* JobQueue::front(Millis ageing) const {
  JobEntry* best = nullptr;
  Key best_key;
  for (const Priority priority : {Priority::high, Priority::normal, Priority::low}) {
    if (line(priority).empty()) continue;
    const auto first = line(priority).begin();
    Key key = first->first;
    if (priority == Priority::high) key.queued -= ageing;
    if (priority == Priority::low) key.queued += ageing;
    if (best && best_key.queued <= key.queued) continue;  // as old: the higher priority goes first
    best = first->second;
    best_key = key;
  }
  return best;
}

JobEntry* JobQueue::oldest_normal() const {
  JobEntry* high = first(Priority::high);
  JobEntry* normal = first(Priority::normal);
  if (!high || !normal) return high ? high : normal;
  return line(Priority::high).begin()->first < line(Priority::normal).begin()->first ? high : normal;
}

}  // namespace penstock::core
