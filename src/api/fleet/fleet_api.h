#pragma once

#include <string_view>

#include "api/auth/keys.h"
#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// Penstock's own routes about releases, usage and budgets, under /penstock/v1:
///   GET  endpoints/{id}/releases                     versions, newest first, with what each changed
///   POST endpoints/{id}/releases/{version}/rollback  makes a release that is as that one was
///   GET  usage                                       what workers used (docs/usage.md has the parameters)
///   GET, PUT, DELETE budget and endpoints/{id}/budget
class FleetApi {
 public:
  explicit FleetApi(Core& core) : core_(core) {}

  /// `parts`: the path after /penstock/v1.
  static bool knows(PathParts parts);
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  void list_releases(const EndpointId& endpoint, net::Responder responder);
  void roll_back(const AccountId& owner, const EndpointId& endpoint, std::string_view version,
                 net::Responder responder);
  void roll_back_to(const AccountId& owner, const core::Release& release, net::Responder responder);
  void show_usage(const net::Request& request, const AccountId& owner, net::Responder responder);
  void on_budget(const net::Request& request, const AccountId& owner, const EndpointId& endpoint,
                 net::Responder responder);

  Core& core_;
};

}  // namespace penstock::api
