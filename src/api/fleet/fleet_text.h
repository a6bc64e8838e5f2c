#pragma once

#include <string>
#include <vector>

#include "core/engine.h"
#include "core/usage/meters.h"
#include "json/json.h"
#include "net/http.h"

namespace penstock::api {

json::Object release_object(const core::Release& release, int workers);

/// How usage is asked for.
struct UsageView {
  core::UsageQuery query;
  bool by_hour = false;
  bool by_day = false;
  bool by_endpoint = false;
  bool by_pool = false;
};
/// Reads `from`, `to`, `endpoint` and `by`. Errors: invalid (which, and what is accepted).
Result<UsageView> usage_view(const net::Request& request, const AccountId& owner, Time now);

/// Rows added up as the view says, in order, and all of them; and the prices and the discount as they are `now`.
json::Object usage_object(const UsageView& view, const std::vector<core::UsageRow>& rows, const core::Prices& prices,
                          Time now);

/// null without one.
json::Value budget_value(const core::Budget* budget);
/// Errors: invalid.
Result<core::Budget> read_budget(const std::string& body, const AccountId& owner, const EndpointId& endpoint);

}  // namespace penstock::api
