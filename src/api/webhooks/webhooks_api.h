#pragma once

#include <string_view>

#include "api/auth/keys.h"
#include "api/auth/vault.h"
#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// Penstock's own routes about webhooks, below /penstock/v1:
///   GET  webhook-deliveries?endpoint=&job=&status=&limit=&cursor=   newest first
///   GET  webhook-deliveries/{id}
///   POST webhook-deliveries/{id}/redeliver
///   GET  webhook-secret           the key that signs this account's webhooks
///   POST webhook-secret/rotate    a new one; the old one signs too for a day
class WebhooksApi {
 public:
  WebhooksApi(Core& core, const Vault& vault, Random& random) : core_(core), vault_(vault), random_(random) {}

  /// `part`: the first one after /penstock/v1.
  static bool knows(std::string_view part);

  /// `parts`: the path after /penstock/v1.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  void list(const net::Request& request, const AccountId& owner, net::Responder responder);
  void show(const AccountId& owner, std::string_view id, net::Responder responder);
  void redeliver(const AccountId& owner, std::string_view id, net::Responder responder);
  Result<core::WebhookDelivery> find(const AccountId& owner, std::string_view id);
  void show_secret(const AccountId& owner, net::Responder responder);
  void rotate_secret(const AccountId& owner, net::Responder responder);

  Core& core_;
  const Vault& vault_;
  Random& random_;
};

}  // namespace penstock::api
