#pragma once

#include <functional>

#include "api/auth/vault.h"
#include "api/core.h"
#include "graphql/request.h"
#include "graphql/schema.h"

namespace penstock::api {

/// What a root field of the mutation type asks of the core, and how its reply is shown. The caller addresses the
/// command: `to` and `owner` are its own.
struct Mutation {
  core::Command command;
  std::function<graphql::Value(const core::Reply&)> show;
};

/// Errors: how a field is refused before the core hears of it.
tl::expected<Mutation, graphql::FieldError> read_mutation(const graphql::Schema& schema, const Core& core,
                                                          const Vault& vault, const graphql::RootField& field);

graphql::FieldError field_error(const Error& error);

}  // namespace penstock::api
