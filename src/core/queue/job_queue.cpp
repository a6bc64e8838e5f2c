#include "core/queue/job_queue.h"

#include "base/error.h"

namespace penstock::core {

JobQueue::Place JobQueue::push_back(JobEntry* job, bool low_priority) {
  const Place place{low_priority, next_back_++};
  line(low_priority).emplace(place.order, job);
  return place;
}

JobQueue::Place JobQueue::push_front(JobEntry* job, bool low_priority) {
  const Place place{low_priority, next_front_--};
  line(low_priority).emplace(place.order, job);
  return place;
}

void JobQueue::remove(const Place& place) {
  ENSURE(line(place.low_priority).erase(place.order) == 1);
}

JobEntry* JobQueue::front() const {
  JobEntry* job = front_normal();
  return job ? job : front_low_priority();
}

}  // namespace penstock::core
