#include "core/webhooks/delivery_rules.h"

#include <algorithm>

namespace penstock::core {
namespace {

constexpr int kRoundAttemptsMin = 3;
constexpr Millis kDelayMax{3'600'000};
constexpr std::size_t kErrorBytesMax = 500;

}  // namespace

Millis retry_delay(int failed, Millis first) {
  if (failed <= 1) return first;
  Millis delay = first * 3;
  for (int i = 2; i < failed && delay < kDelayMax; ++i) delay *= 4;
  return std::max(first * 3, std::min(delay, kDelayMax));
}

DeliveryState after_attempt(DeliveryState state, Time now, const AttemptOutcome& outcome,
                            const EngineSettings& settings) {
  ++state.attempts;
  ++state.round_attempts;
  state.last_attempt = now;
  state.last_code = outcome.code;
  if (outcome.code && *outcome.code >= 200 && *outcome.code < 300) {
    state.status = DeliveryStatus::delivered;
    state.last_error.clear();
    state.settled = now;
    state.expires = now + settings.webhook_retention;
    return state;
  }
  state.last_error = outcome.code ? "answered with HTTP status " + std::to_string(*outcome.code)
                                  : outcome.error.substr(0, kErrorBytesMax);
  state.next = now + retry_delay(state.round_attempts, settings.webhook_first_retry);
  const bool in_time = state.next - state.round_started <= settings.webhook_retry_for;
  if (state.round_attempts >= kRoundAttemptsMin && !in_time) {
    state.status = DeliveryStatus::failed;
    state.settled = now;
    state.expires = now + settings.webhook_retention_failed;
  }
  return state;
}

DeliveryState new_round(DeliveryState state, Time now) {
  state.status = DeliveryStatus::pending;
  state.round_attempts = 0;
  state.round_started = now;
  state.next = now;
  state.settled.reset();
  state.expires = Time{};
  return state;
}

std::string origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  const auto end = url.find_first_of("/?#", scheme == std::string_view::npos ? 0 : scheme + 3);
  std::string origin(url.substr(0, end));
  std::ranges::transform(origin, origin.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return origin;
}

}  // namespace penstock::core
