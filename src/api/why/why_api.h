#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// What Penstock says of its own doings, for people and for their tools:
///   GET /penstock/v1/jobs/{id}/why       why a job waits, in words, and what would unblock it
///   GET /penstock/v1/endpoints/{id}/why  the same for all jobs of an endpoint, and for its workers
///   GET /penstock/v1/endpoints/{id}/decisions?at=&from=&limit=&cursor=
///                                        what the scaler decided, with all that it looked at, the newest first
class WhyApi {
 public:
  using ListDecisions = std::function<Result<core::DecisionPage>(const core::DecisionQuery&)>;

  WhyApi(Core& core, ListDecisions list_decisions) : core_(core), list_decisions_(std::move(list_decisions)) {}

  /// Whether these routes are those of `parts`: the path after /penstock/v1.
  static bool knows(PathParts parts);
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  net::Response of_job(const AccountId& owner, std::string_view id);
  net::Response of_endpoint(const core::Endpoint& endpoint) const;
  net::Response decisions(const core::Endpoint& endpoint, const net::Request& request) const;

  Core& core_;
  ListDecisions list_decisions_;
};

}  // namespace penstock::api
