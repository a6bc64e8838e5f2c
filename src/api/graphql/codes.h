#pragma once

namespace penstock::api {

// extensions.code of errors that are not the GraphQL engine's own (contract/control-plane 1.3).
inline constexpr const char* kUnauthenticated = "UNAUTHENTICATED";
inline constexpr const char* kForbidden = "FORBIDDEN";
inline constexpr const char* kBadRequest = "BAD_REQUEST";
inline constexpr const char* kRefused = "RUNPOD";

}  // namespace penstock::api
