#include "core/queue/job_queue.h"

#include <optional>

#include "base/error.h"

namespace penstock::core {

std::size_t JobQueue::line_of(const Place& place) {
  if (place.priority == Priority::low) return kLow;
  if (!place.in_batch) return place.priority == Priority::high ? kHigh : kNormal;
  return place.priority == Priority::high ? kNormal : kBatch;
}

void JobQueue::add(JobEntry* job, const Place& place) {
  ENSURE(lines_[line_of(place)].emplace(Key{place.queued, place.arrival}, job).second);
}

void JobQueue::remove(const Place& place) {
  ENSURE(lines_[line_of(place)].erase(Key{place.queued, place.arrival}) == 1);
}

JobEntry* JobQueue::front(Millis ageing) const {
  const std::array<Millis, 4> later = {-ageing, Millis{0}, kBatchYields, ageing};
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
  constexpr std::array kShift{-1, 0, 1};  // by priority, in ageings
  std::array<Line::const_iterator, 3> next{lines_[0].begin(), lines_[1].begin(), lines_[2].begin()};
  std::vector<JobEntry*> found;
  while (static_cast<int>(found.size()) < count) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < next.size(); ++i) {
      const auto due = [&](std::size_t line) { return next[line]->first.queued + kShift[line] * ageing; };
      if (next[i] != lines_[i].end() && (!best || due(i) < due(*best))) best = i;
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
