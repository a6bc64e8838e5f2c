#include "core/fleet/start_history.h"

#include <algorithm>

namespace penstock::core {
namespace {

constexpr std::array<StartKind, 3> kKinds{StartKind::spawned, StartKind::forked, StartKind::thawed};

std::optional<std::size_t> place_of(StartKind kind) {
  const auto found = std::ranges::find(kKinds, kind);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kKinds.begin());
}

}  // namespace

void StartHistory::note(std::deque<Millis>& samples, std::optional<Time> from, std::optional<Time> to) {
  if (!from || !to) return;
  samples.push_back(std::max(*to - *from, Millis{0}));
  if (samples.size() > kSamplesMax) samples.pop_front();
}

void StartHistory::add_ready(const WorkerStart& start) {
  const auto place = place_of(start.kind);
  if (!place || !start.decided) return;
  Kind& kind = kinds_[*place];
  ++kind.count;
  note(kind.samples[placed], start.decided, start.placed);
  note(kind.samples[launched], start.decided, start.launched);
  note(kind.samples[up], start.decided, start.up);
  note(kind.samples[ready], start.decided, start.polled);
}

void StartHistory::add_job(const WorkerStart& start) {
  const auto place = place_of(start.kind);
  if (place && start.decided) note(kinds_[*place].samples[job], start.polled, start.job);
}

/// By nearest rank.
PhaseFigures StartHistory::of(const std::deque<Millis>& samples) {
  if (samples.empty()) return {};
  std::vector<Millis> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const auto rank = [&](std::size_t percent) { return sorted[(sorted.size() * percent + 99) / 100 - 1]; };
  return {static_cast<int>(sorted.size()), rank(50), rank(95)};
}

std::vector<StartFigures> StartHistory::figures() const {
  std::vector<StartFigures> out;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const Kind& kind = kinds_[i];
    if (kind.count == 0) continue;
    const auto& samples = kind.samples;
    out.push_back({kKinds[i], kind.count, of(samples[placed]), of(samples[launched]), of(samples[up]),
                   of(samples[ready]), of(samples[job])});
  }
  return out;
}

}  // namespace penstock::core
