#include "api/auth/access.h"

#include <string>

#include "api/auth/keys.h"

namespace penstock::api {
namespace {

constexpr std::size_t kShownMax = 128;  // of what a stranger sent

}  // namespace

Result<const core::ApiKey*> known_key(const net::Request& request, const core::Engine& engine, bool key_in_query) {
  const Caller caller = caller_of(request, engine, key_in_query);
  if (caller.kind == Caller::Kind::known) return caller.key;
  return fail(Errc::unauthenticated, caller.kind == Caller::Kind::nobody
                                         ? "no API key: send Authorization: Bearer <key>"
                                         : "this API key is not valid: send Authorization: Bearer <key> with one that "
                                           "is; `penstock serve` prints the first one when it makes it");
}

Result<void> check_may_write(const core::ApiKey& key) {
  if (key.scope != core::KeyScope::read_only) return {};
  return fail(Errc::forbidden, "this API key may only read");
}

Result<const core::Endpoint*> own_endpoint(const core::Engine& engine, const AccountId& owner, std::string_view id) {
  const auto parsed = EndpointId::parse(id);
  const core::Endpoint* known = parsed ? engine.find_endpoint(*parsed) : nullptr;
  if (known && known->owner == owner) return known;
  return fail(Errc::not_found, "endpoint \"" + std::string(id.substr(0, kShownMax)) + "\" not found");
}

}  // namespace penstock::api
