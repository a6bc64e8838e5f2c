#pragma once

#include <optional>
#include <string>

#include "api/core.h"
#include "core/limits/rate_limiter.h"
#include "net/http.h"

namespace penstock::api {

/// The limits on requests, where they meet HTTP. Must outlive every request that it admitted.
class Admission {
 public:
  Admission(Core& core, core::RateLimits limits) : core_(core), limiter_(limits) {}

  struct Refusal {
    std::string message;  // names the setting
    int retry_after_s = 1;
  };

  /// Nothing: the request counts as under way for as long as its responder is not answered and its client is there.
  std::optional<Refusal> admit(const EndpointId& endpoint, core::Operation operation, net::Responder& responder);

 private:
  Core& core_;
  core::RateLimiter limiter_;
};

}  // namespace penstock::api
