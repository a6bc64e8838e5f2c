#pragma once

#include <optional>

#include "api/core.h"
#include "api/graphql/graphql_api.h"
#include "graphql/request.h"
#include "graphql/schema.h"

namespace penstock::api {

/// Who asks, and what they may look at. `account` is none without a key.
struct QueryContext {
  const graphql::Schema* schema;
  const Core* core;
  const GraphqlOptions* options;
  std::optional<AccountId> account;
};

/// The value of a root field of the query type. Without a key the catalogue answers, `myself` is null, and fields of an
/// account are refused (contract/control-plane 1.3, E2 to E4).
graphql::Value answer_query(const QueryContext& context, const graphql::RootField& field);

}  // namespace penstock::api
