#pragma once

#include <string>

#include "base/error.h"
#include "core/model/webhook.h"
#include "json/json.h"
#include "net/address_rules.h"

namespace penstock::api {

/// The body of a webhook (contract/data-plane 1.9): the job object with `input` and `webhook`. What was too large is
/// not there, and `omitted` names it.
std::string webhook_text(const core::WebhookDelivery& delivery);

/// One delivery, as the listing shows it.
json::Object delivery_object(const core::WebhookDelivery& delivery);

/// Checks the `webhook` of a submission: what can be said without looking its host up. Errors: invalid.
Result<void> check_webhook_url(const std::string& url, const net::AddressRules& rules);

}  // namespace penstock::api
