#pragma once

#include <functional>

#include "api/auth/vault.h"
#include "api/core.h"
#include "api/trace/trace_context.h"
#include "net/http_client.h"

namespace penstock::api {

/// Carries out what the core wants posted: builds the body, signs it, sends it once and tells how that ended. Decides
/// nothing about retries. Loop thread only.
class WebhookSender {
 public:
  /// Runs on the loop's thread, perhaps inside post().
  using Told = std::function<void(core::WebhookPosted)>;

  WebhookSender(Core& core, net::HttpClient& client, const Vault& vault, const Traces& traces, Millis timeout,
                Told told)
      : core_(core), client_(client), vault_(vault), traces_(traces), timeout_(timeout), told_(std::move(told)) {}

  void post(core::PostWebhook post);

 private:
  Result<std::vector<std::string>> secrets_of(const AccountId& owner) const;

  Core& core_;
  net::HttpClient& client_;
  const Vault& vault_;
  const Traces& traces_;
  Millis timeout_;
  Told told_;
};

}  // namespace penstock::api
