#pragma once

#include <memory>
#include <optional>

#include "api/core.h"
#include "api/graphql/graphql_api.h"
#include "graphql/schema.h"

namespace penstock::api {

/// What the schema's object types stand for. All of them look at the engine's state and are read at once.
struct UserView {
  const Core* core;
  const ::penstock::core::Account* account;
  const std::optional<Discount>* discount;
};
struct EndpointView {
  const Core* core;
  const ::penstock::core::Endpoint* endpoint;
};
struct TemplateView {
  const ::penstock::core::Template* value;
};

/// The schema of this server with its resolvers. Aborts when SDL and resolvers disagree: every field has one.
std::unique_ptr<graphql::Schema> make_schema();

graphql::Value user_value(const graphql::Schema& schema, UserView view);
graphql::Value endpoint_value(const graphql::Schema& schema, EndpointView view);
graphql::Value template_value(const graphql::Schema& schema, TemplateView view);

}  // namespace penstock::api
