#include "core/queue/job_queue.h"

#include <algorithm>
#include <optional>

#include "base/error.h"

namespace penstock::core {
namespace {

/// By how much later than they did the jobs of each line count as having come.
std::array<Millis, 4> delays(Millis ageing) {
  return {-ageing, Millis{0}, kBatchYields, ageing};
}

}  // namespace

std::size_t JobQueue::line_of(const Place& place) {
  if (place.priority == Priority::low) return kLow;
  if (!place.in_batch) return place.priority == Priority::high ? kHigh : kNormal;
  return place.priority == Priority::high ? kNormal : kBatch;
}

void JobQueue::add(JobEntry* job, const Place& place) {
  Line& line = lines_[line_of(place)];
  const Key key{place.queued, place.arrival};
  if (spare_.empty()) {
    ENSURE(line.emplace(key, job).second);
    return;
  }
  spare_.key() = key;
  spare_.mapped() = job;
  ENSURE(line.insert(std::move(spare_)).inserted);
}

void JobQueue::remove(const Place& place) {
  spare_ = lines_[line_of(place)].extract(Key{place.queued, place.arrival});
  ENSURE(!spare_.empty());
}

JobEntry* JobQueue::front(Millis ageing) const {
  const std::array<Millis, 4> later = delays(ageing);
  JobEntry* best = nullptr;
  Key best_key;
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    if (lines_[line].empty()) continue;
    Key key = lines_[line].begin()->first;
    key.queued += later[line];
    if (best && best_key.queued <= key.queued) continue;  // as old: the earlier line goes first
    best = first(line);
    best_key = key;
  }
  return best;
}

std::vector<JobEntry*> JobQueue::first(int count, Millis ageing) const {
  const std::array<Millis, 4> later = delays(ageing);
  std::array<Line::const_iterator, 4> next;
  std::ranges::transform(lines_, next.begin(), [](const Line& line) { return line.begin(); });
  std::vector<JobEntry*> found;
  while (static_cast<int>(found.size()) < count) {
    std::optional<std::size_t> best;
    Time best_time{};
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      if (next[line] == lines_[line].end()) continue;
      const Time time = next[line]->first.queued + later[line];
      if (best && best_time <= time) continue;  // as front() has it
      best = line;
      best_time = time;
    }
    if (!best) break;
    found.push_back((next[*best]++)->second);
  }
  return found;
}

JobEntry* JobQueue::oldest_normal() const {
  const Line* oldest = nullptr;
  for (const std::size_t line : {kHigh, kNormal, kBatch}) {
    if (lines_[line].empty()) continue;
    if (!oldest || lines_[line].begin()->first < oldest->begin()->first) oldest = &lines_[line];
  }
  return oldest ? oldest->begin()->second : nullptr;
}

}  // namespace penstock::core
