#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"

namespace penstock::api {

/// A new key for signing webhooks, `whsec_` and 43 random characters. The whole text is the key.
std::string make_webhook_secret(Random& random);

/// The value of X-Penstock-Signature: `t=<unix seconds>,v1=<hex>` with one v1 for each secret, HMAC-SHA256 over
/// `<unix seconds>.<body>`. Receivers accept any of them, so that a secret can be replaced without a gap.
std::string webhook_signature(std::span<const std::string> secrets, std::int64_t unix_seconds, std::string_view body);

}  // namespace penstock::api
