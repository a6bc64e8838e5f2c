#pragma once

#include "graphql/schema.h"

namespace penstock::graphql {

/// Attaches the resolvers of the introspection types.
void bind_introspection(Schema& schema);

/// The value of `__schema`, and of `__type(name:)`.
Value introspect_schema(const Schema& schema);
Value introspect_type(const Schema& schema, std::string_view name);

}  // namespace penstock::graphql
