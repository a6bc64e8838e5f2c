#pragma once

#include <functional>

#include "api/auth/vault.h"
#include "api/graphql/root_queries.h"

namespace penstock::api {

/// What a root field of the mutation type asks of the core, and how its reply is shown. The caller addresses the
/// command: `to` and `owner` are its own.
struct Mutation {
  core::Command command;
  std::function<graphql::Value(const core::Reply&)> show;
};

/// Errors: how a field is refused before the core hears of it.
tl::expected<Mutation, graphql::FieldError> read_mutation(const QueryContext& context, const Vault& vault,
                                                          const graphql::RootField& field);

/// A refusal in the core's words; a failure of our own in words that clients know as transient, with the cause in the
/// log (contract/control-plane 1.3, E14 and E15).
graphql::FieldError field_error(const Error& error);

}  // namespace penstock::api
