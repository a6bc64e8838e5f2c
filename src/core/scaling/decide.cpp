#include "core/scaling/decide.h"

#include <algorithm>

namespace penstock::core {
namespace {

void request_count(const ScaleInputs& in, ScaleDecision& out) {
  const int requests = in.queued + in.in_progress;
  out.wanted = requests / in.scaler_value + (requests % in.scaler_value != 0 ? 1 : 0);
  out.rule = ScaleRule::request_count;
}

/// What growing older will make of a decision, if nothing else happens before.
struct Later {
  Millis in{};
  int wanted = 0;
};

void queue_delay(const ScaleInputs& in, ScaleDecision& out, std::optional<Later>& later) {
  out.wanted = in.present;
  if (in.queued == 0) return;
  if (in.present == 0) {
    out.wanted = 1;
    out.rule = ScaleRule::from_zero;
    return;
  }
  if (in.starting >= in.queued) return;  // those on their way will take them
  const Millis patience = std::chrono::seconds{in.scaler_value};
  const Millis waited = std::min(in.oldest_wait, in.since_last_addition.value_or(in.oldest_wait));
  if (waited > patience) {
    out.wanted = in.present + 1;
    out.rule = ScaleRule::queue_delay;
  } else {
    later = Later{patience - waited + Millis{1}, in.present + 1};
  }
}

void low_priority(const ScaleInputs& in, ScaleDecision& out, std::optional<Later>& later) {
  if (in.low_priority_queued == 0 || in.present > 0 || out.wanted > 0) return;
  if (in.oldest_low_priority_wait >= kLowPriorityPatience) {
    out.wanted = 1;
    out.rule = ScaleRule::low_priority_wait;
  } else {
    later = Later{kLowPriorityPatience - in.oldest_low_priority_wait, 1};
  }
}

int within_bounds(const ScaleInputs& in, int wanted) {
  return std::min(std::max(wanted, in.workers_min), in.workers_max);
}

}  // namespace

std::string_view to_text(ScaleRule rule) {
  switch (rule) {
    case ScaleRule::keep:
      return "keep";
    case ScaleRule::from_zero:
      return "from zero";
    case ScaleRule::request_count:
      return "REQUEST_COUNT";
    case ScaleRule::queue_delay:
      return "QUEUE_DELAY";
    case ScaleRule::low_priority_wait:
      return "low-priority wait";
  }
  return "";
}

std::string_view to_text(ScaleClamp clamp) {
  switch (clamp) {
    case ScaleClamp::none:
      return "none";
    case ScaleClamp::workers_min:
      return "workersMin";
    case ScaleClamp::workers_max:
      return "workersMax";
    case ScaleClamp::budget:
      return "budget";
  }
  return "";
}

ScaleDecision decide(const ScaleInputs& in) {
  ScaleDecision out;
  std::optional<Later> later;
  if (in.scaler == ScalerType::request_count) {
    request_count(in, out);
  } else {
    queue_delay(in, out, later);
  }
  low_priority(in, out, later);
  if (out.wanted < in.workers_min) out.clamp = ScaleClamp::workers_min;
  if (out.wanted > in.workers_max) out.clamp = ScaleClamp::workers_max;
  out.wanted = within_bounds(in, out.wanted);
  if (in.budget_used_up && out.wanted > in.present) {
    out.wanted = in.present;
    out.clamp = ScaleClamp::budget;
  }
  if (later && within_bounds(in, later->wanted) != out.wanted) out.look_again_in = later->in;
  return out;
}

}  // namespace penstock::core
