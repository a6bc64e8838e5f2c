#include "api/webhooks/signing.h"

#include <fmt/format.h>
#include <sodium.h>

namespace penstock::api {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string make_webhook_secret(Random& random) {
  return "whsec_" + random_alphanumeric(random, 43);
}

std::string webhook_signature(std::span<const std::string> secrets, std::int64_t unix_seconds, std::string_view body) {
  std::string header = fmt::format("t={}", unix_seconds);
  const std::string start = fmt::format("{}.", unix_seconds);
  for (const std::string& secret : secrets) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(start), start.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(body), body.size());
    unsigned char digest[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_final(&state, digest);
    char hex[2 * sizeof digest + 1];
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    header += fmt::format(",v1={}", hex);
  }
  return header;
}

}  // namespace penstock::api
