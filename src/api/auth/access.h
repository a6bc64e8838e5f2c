#pragma once

#include <string_view>

#include "base/error.h"
#include "core/engine.h"
#include "net/http.h"

namespace penstock::api {

// Who may do what, for every dialect that answers with plain errors. What is pointed to holds until the engine's next
// turn.

/// The key that a request presents (presented_key). Errors: unauthenticated (there is none, or it is not valid).
Result<const core::ApiKey*> known_key(const net::Request& request, const core::Engine& engine, bool key_in_query);

/// Errors: forbidden (the key may only read).
Result<void> check_may_write(const core::ApiKey& key);

/// The account's endpoint with this id, as a path names it. Errors: not_found.
Result<const core::Endpoint*> own_endpoint(const core::Engine& engine, const AccountId& owner, std::string_view id);

}  // namespace penstock::api
