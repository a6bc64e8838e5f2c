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

void StartHistory::Samples::note(std::optional<Time> from, std::optional<Time> to) {
  if (!from || !to) return;
  const Millis took = std::max(*to - *from, Millis{0});
  if (latest_.size() < kSamplesMax) return latest_.push_back(took);
  latest_[oldest_] = took;
  oldest_ = (oldest_ + 1) % kSamplesMax;
}

StartHistory::Kind& StartHistory::kind(std::size_t place) {
  if (!kinds_[place]) kinds_[place] = std::make_unique<Kind>();
  return *kinds_[place];
}

void StartHistory::add_ready(const WorkerStart& start) {
  const auto place = place_of(start.kind);
  if (!place || !start.decided) return;
  Kind& all = kind(*place);
  ++all.count;
  all.samples[placed].note(start.decided, start.placed);
  all.samples[launched].note(start.decided, start.launched);
  all.samples[up].note(start.decided, start.up);
  all.samples[ready].note(start.decided, start.polled);
}

void StartHistory::add_job(const WorkerStart& start) {
  const auto place = place_of(start.kind);
  if (place && start.decided) kind(*place).samples[job].note(start.polled, start.job);
}

/// By nearest rank.
PhaseFigures StartHistory::Samples::figures() const {
  if (latest_.empty()) return {};
  std::vector<Millis> sorted = latest_;
  std::ranges::sort(sorted);
  const auto rank = [&](std::size_t percent) { return sorted[(sorted.size() * percent + 99) / 100 - 1]; };
  return {static_cast<int>(sorted.size()), rank(50), rank(95)};
}

std::vector<StartFigures> StartHistory::figures() const {
  std::vector<StartFigures> out;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (!kinds_[i] || kinds_[i]->count == 0) continue;
    const auto& samples = kinds_[i]->samples;
    out.push_back({kKinds[i], kinds_[i]->count, samples[placed].figures(), samples[launched].figures(),
                   samples[up].figures(), samples[ready].figures(), samples[job].figures()});
  }
  return out;
}

}  // namespace penstock::core
