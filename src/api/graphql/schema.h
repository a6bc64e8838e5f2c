#pragma once

#include <string>
#include <string_view>

namespace penstock::api {

/// The GraphQL schema that this server offers, in SDL (contract/schema.graphql). The SDL is the source: resolvers
/// attach to it, and what is not in it is refused.
std::string schema_sdl();

// Its parts by subject, each in the file of that name.
extern const std::string_view kAccountSdl;
extern const std::string_view kEndpointSdl;
extern const std::string_view kWorkerSdl;
extern const std::string_view kCatalogueSdl;
extern const std::string_view kEventsSdl;
/// What only fields that are not implemented use: clients validate their operations against it.
extern const std::string_view kAbsentSdl;

}  // namespace penstock::api
