#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "core/model/endpoint.h"

namespace penstock::core {

/// All that the autoscaler looks at. Plain values, so that a decision can be kept and replayed.
struct ScaleInputs {
  ScalerType scaler = ScalerType::queue_delay;
  int scaler_value = 4;
  int workers_min = 0;
  int workers_max = 0;
  int queued = 0;  // IN_QUEUE, not low priority
  int in_progress = 0;
  Millis oldest_wait{0};  // of the oldest of `queued`
  int low_priority_queued = 0;
  Millis oldest_low_priority_wait{0};
  int present = 0;                            // workers that are starting or able to work; not those being stopped
  int starting = 0;                           // of these, not polling yet
  std::optional<Millis> since_last_addition;  // QUEUE_DELAY: since it last asked for one more
  bool budget_used_up = false;                // of the endpoint or its account, today

  friend bool operator==(const ScaleInputs&, const ScaleInputs&) = default;
};

/// Which rule wanted the workers.
enum class ScaleRule { keep, from_zero, request_count, queue_delay, low_priority_wait };
/// What held the wanted count back, or pushed it up.
enum class ScaleClamp { none, workers_min, workers_max, budget };

std::string_view to_text(ScaleRule rule);
std::string_view to_text(ScaleClamp clamp);

struct ScaleDecision {
  int wanted = 0;  // workers that should be present; fewer than `present` stops nobody by itself (idleTimeout does)
  ScaleRule rule = ScaleRule::keep;
  ScaleClamp clamp = ScaleClamp::none;
  /// When, with nothing else happening, the same inputs grown older would want another count.
  std::optional<Millis> look_again_in;

  friend bool operator==(const ScaleDecision&, const ScaleDecision&) = default;
};

/// How long a low-priority job waits on a scaled-to-zero endpoint before a worker is started for it.
inline constexpr Millis kLowPriorityPatience{60'000};

/// The scaling rule (contract/data-plane 3.2). Pure: equal inputs give equal decisions, for ever.
ScaleDecision decide(const ScaleInputs& in);

}  // namespace penstock::core
