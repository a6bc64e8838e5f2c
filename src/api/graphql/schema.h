#pragma once

#include <string_view>

namespace penstock::api {

/// The GraphQL schema that this server offers, in SDL: what belongs to serverless endpoints, their templates and the
/// account (contract/schema.graphql). The SDL is the source: resolvers attach to it, and what is not in it is refused.
extern const std::string_view kSchemaSdl;

}  // namespace penstock::api
