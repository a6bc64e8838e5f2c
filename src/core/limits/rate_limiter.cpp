#include "core/limits/rate_limiter.h"

#include <algorithm>

namespace penstock::core {

std::string_view to_text(Operation operation) {
  constexpr std::string_view kNames[kOperations] = {"run",         "runsync", "status",  "cancel",
                                                    "purge_queue", "openai",  "requests"};
  return kNames[static_cast<std::size_t>(operation)];
}

bool RateLimits::any() const {
  return std::ranges::any_of(operations,
                             [](const auto& limit) { return limit.per_window > 0 || limit.concurrent > 0; });
}

RateLimits RateLimits::hosted() {
  RateLimits limits;
  limits.of(Operation::runsync) = {2'000, 400};
  limits.of(Operation::run) = {1'000, 200};
  limits.of(Operation::status) = {2'000, 400};
  limits.of(Operation::cancel) = {100, 20};
  limits.of(Operation::purge_queue) = {2, 0};
  limits.of(Operation::openai) = {2'000, 400};
  limits.of(Operation::requests) = {10, 2};
  return limits;
}

std::optional<RateLimiter::Refusal> RateLimiter::enter(Time now, const EndpointId& endpoint, Operation operation,
                                                       const RunningWorkers& running) {
  if (!any_) return std::nullopt;
  const OperationLimit& limit = limits_.of(operation);
  if (limit.per_window == 0 && limit.concurrent == 0) return std::nullopt;
  Use& use = uses_of(now, endpoint)[static_cast<std::size_t>(operation)];
  if (now - use.window_start >= limits_.window) {
    use.window_start = now;
    use.in_window = 0;
  }
  const auto over = [&](int used, int base) -> std::optional<int> {
    if (base == 0 || used < base) return std::nullopt;
    const int effective = std::max(base, running() * limits_.per_worker);
    return used < effective ? std::nullopt : std::optional(effective);
  };
  if (const auto most = over(use.active, limit.concurrent)) return Refusal{true, *most, Millis{1'000}};
  if (const auto most = over(use.in_window, limit.per_window)) {
    return Refusal{false, *most, use.window_start + limits_.window - now};
  }
  ++use.in_window;
  if (limit.concurrent > 0) ++use.active;
  return std::nullopt;
}

void RateLimiter::leave(const EndpointId& endpoint, Operation operation) {
  const auto found = uses_.find(endpoint);
  if (found == uses_.end()) return;  // it was not counted
  Use& use = found->second[static_cast<std::size_t>(operation)];
  use.active = std::max(0, use.active - 1);
}

RateLimiter::Uses& RateLimiter::uses_of(Time now, const EndpointId& endpoint) {
  if (const auto found = uses_.find(endpoint); found != uses_.end()) return found->second;
  if (uses_.size() >= sweep_at_) {
    std::erase_if(uses_, [&](const auto& entry) {
      return std::ranges::all_of(
          entry.second, [&](const Use& use) { return use.active == 0 && now - use.window_start >= limits_.window; });
    });
    sweep_at_ = std::max<std::size_t>(1'024, 2 * uses_.size());
  }
  return uses_[endpoint];
}

}  // namespace penstock::core
