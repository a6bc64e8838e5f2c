#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

/// What is counted together (contract/data-plane 1.1). `status` is status, status-sync and stream.
enum class Operation { run, runsync, status, cancel, purge_queue, openai, requests };
constexpr std::size_t kOperations = 7;

std::string_view to_text(Operation operation);  // "purge_queue"

/// 0: no limit.
struct OperationLimit {
  int per_window = 0;
  int concurrent = 0;
};

struct RateLimits {
  std::array<OperationLimit, kOperations> operations;
  int per_worker = 50;  // a limit that is set is never lower than running workers times this
  Millis window{10'000};

  bool any() const;
  OperationLimit& of(Operation operation) { return operations[static_cast<std::size_t>(operation)]; }
  const OperationLimit& of(Operation operation) const { return operations[static_cast<std::size_t>(operation)]; }

  /// The numbers of the hosted service.
  static RateLimits hosted();
};

/// Counts the requests of each endpoint, which belongs to one account, so that this is per account and endpoint. A
/// window begins with the first request after the last one has ended. O(1) for a request; an endpoint that nobody used
/// lately costs nothing. Not durable: a restart forgets.
class RateLimiter {
 public:
  struct Refusal {
    bool concurrent = false;  // otherwise: per window
    int limit = 0;            // what holds now
    Millis retry_after{};
  };
  /// Asked only where the limit without workers is reached.
  using RunningWorkers = std::function<int()>;

  explicit RateLimiter(RateLimits limits) : limits_(limits), any_(limits.any()) {}

  const RateLimits& limits() const { return limits_; }

  /// Nothing: go on, and call leave() when the request is over. A refused request counts for nothing.
  std::optional<Refusal> enter(Time now, const EndpointId& endpoint, Operation operation,
                               const RunningWorkers& running);
  void leave(const EndpointId& endpoint, Operation operation);

  std::size_t size() const { return uses_.size(); }

 private:
  struct Use {
    Time window_start{};
    int in_window = 0;
    int active = 0;
  };
  using Uses = std::array<Use, kOperations>;

  Uses& uses_of(Time now, const EndpointId& endpoint);

  RateLimits limits_;
  bool any_;
  std::unordered_map<EndpointId, Uses> uses_;
  std::size_t sweep_at_ = 1'024;
};

}  // namespace penstock::core
