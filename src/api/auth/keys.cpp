#include "api/auth/keys.h"

#include <sodium.h>

#include "base/text.h"

namespace penstock::api {
namespace {

constexpr std::size_t kKnownMax = 4096;

std::string hex(const unsigned char* bytes, std::size_t count) {
  std::string out(count * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes, count);
  out.pop_back();
  return out;
}

std::string blake2b(std::string_view text, std::string_view key) {
  unsigned char digest[32];
  crypto_generichash(digest, sizeof digest, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     key.empty() ? nullptr : reinterpret_cast<const unsigned char*>(key.data()), key.size());
  return hex(digest, sizeof digest);
}

bool starts_with_bearer(std::string_view text) {
  constexpr std::string_view kScheme = "bearer ";
  if (text.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = text[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != kScheme[i]) return false;
  }
  return true;
}

}  // namespace

bool init_crypto() {
  return sodium_init() >= 0;
}

std::string make_api_key(Random& random) {
  return "rpa_" + random_alphanumeric(random, 48);
}

std::string hash_key(std::string_view key) {
  return blake2b(key, {});
}

std::optional<std::string_view> presented_key(const net::Request& request, bool in_query) {
  const auto header = trim(request.header("authorization"));
  if (!header.empty()) {
    return starts_with_bearer(header) ? trim(header.substr(7)) : header;
  }
  if (in_query) {
    const std::string* value = request.query_value("api_key");
    if (value && !value->empty()) return *value;
  }
  return std::nullopt;
}

Caller caller_of(const net::Request& request, const core::Engine& engine, bool key_in_query) {
  const auto key = presented_key(request, key_in_query);
  if (!key) return Caller{};
  const core::ApiKey* known = engine.find_key(hash_key(*key));
  return known ? Caller{Caller::Kind::known, known} : Caller{Caller::Kind::unknown, nullptr};
}

std::string WorkerKeys::key_of(const EndpointId& endpoint, const WorkerId& worker) const {
  return "wk_" + blake2b("worker " + endpoint.str() + "/" + worker.str(), secret_);
}

bool WorkerKeys::allows(const net::Request& request, const EndpointId& endpoint, const WorkerId& worker) const {
  const auto presented = presented_key(request, false);
  if (!presented) return false;
  const auto is = [&](const std::string& key) {
    return presented->size() == key.size() && sodium_memcmp(presented->data(), key.data(), key.size()) == 0;
  };
  const auto known = known_.find(worker);
  if (known != known_.end() && known->second.endpoint == endpoint) return is(known->second.key);
  std::string key = key_of(endpoint, worker);
  if (!is(key)) return false;
  if (known_.size() >= kKnownMax) known_.clear();
  known_.insert_or_assign(worker, Known{endpoint, std::move(key)});
  return true;
}

}  // namespace penstock::api
