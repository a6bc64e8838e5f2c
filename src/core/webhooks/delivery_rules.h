#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/model/webhook.h"
#include "core/settings.h"

namespace penstock::core {

/// What an attempt came to: an HTTP status, or none and why there is none.
struct AttemptOutcome {
  std::optional<int> code;
  std::string error;
};

/// The wait after so many failed attempts of a round: `first`, three times that (contract/data-plane 1.9), then 12, 48
/// ... times, an hour at most.
Millis retry_delay(int failed, Millis first);

/// The state after an attempt that ended now: delivered by any 2xx; otherwise tried again, three times whatever the
/// time, then as long as the next attempt still lies within `webhook_retry_for` of the round's start.
DeliveryState after_attempt(DeliveryState before, Time now, const AttemptOutcome& outcome,
                            const EngineSettings& settings);

/// A new round that begins now.
DeliveryState new_round(DeliveryState before, Time now);

/// Scheme, host and port of a URL, in lower case: what shares a bound on posts at once.
std::string origin_of(std::string_view url);

}  // namespace penstock::core
