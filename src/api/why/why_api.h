#pragma once

#include <string_view>
#include <vector>

#include "api/core.h"
#include "net/http.h"

namespace penstock::api {

/// What Penstock says of its own doings, for people and for their tools:
///   GET /penstock/v1/jobs/{id}/why       why a job waits, in words, and what would unblock it
///   GET /penstock/v1/endpoints/{id}/why  the same for all jobs of an endpoint, and for its workers
class WhyApi {
 public:
  explicit WhyApi(Core& core) : core_(core) {}

  /// Whether these routes are those of `parts`: the path after /penstock/v1.
  static bool knows(const std::vector<std::string_view>& parts);
  void handle(net::Request request, const std::vector<std::string_view>& parts, net::Responder responder);

 private:
  net::Response of_job(const AccountId& owner, std::string_view id);
  net::Response of_endpoint(const AccountId& owner, std::string_view id) const;

  Core& core_;
};

}  // namespace penstock::api
