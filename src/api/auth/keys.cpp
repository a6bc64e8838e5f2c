#include "api/auth/keys.h"

#include <sodium.h>

#include <algorithm>

#include "base/text.h"

namespace penstock::api {
namespace {

constexpr std::size_t kKnownMax = 4096;

constexpr std::size_t kDigestBytes = 32;
constexpr std::string_view kWorkerKeyPrefix = "wk_";

/// In hexadecimal digits, behind the prefix.
std::string blake2b(std::string_view prefix, std::string_view text, std::string_view key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  unsigned char digest[kDigestBytes];
  crypto_generichash(digest, sizeof digest, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     key.empty() ? nullptr : reinterpret_cast<const unsigned char*>(key.data()), key.size());
  std::string out(prefix.size() + 2 * kDigestBytes, '\0');
  char* at = std::ranges::copy(prefix, out.data()).out;
  for (const unsigned char byte : digest) {
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 0xf];
  }
  return out;
}

/// In a time that does not depend on where they differ.
bool is_same_worker_key(std::string_view presented, std::string_view key) {
  static_assert(2 * kDigestBytes == crypto_verify_64_BYTES);
  if (presented.size() != key.size() || !presented.starts_with(kWorkerKeyPrefix)) return false;
  const auto digits = [](std::string_view of) {
    return reinterpret_cast<const unsigned char*>(of.data()) + kWorkerKeyPrefix.size();
  };
  return crypto_verify_64(digits(presented), digits(key)) == 0;
}

/// A key, and what is stored of it. The key itself does not stay in memory that others get.
class HashedKey {
 public:
  HashedKey() = default;
  explicit HashedKey(std::string_view key) : key_(key), hash_(hash_key(key)) {}
  HashedKey& operator=(HashedKey&& other) noexcept {
    sodium_memzero(key_.data(), key_.size());
    key_.swap(other.key_);
    hash_.swap(other.hash_);
    return *this;
  }
  ~HashedKey() { sodium_memzero(key_.data(), key_.size()); }

  /// In a time that does not depend on where they differ.
  bool is(std::string_view key) const {
    return key.size() == key_.size() && sodium_memcmp(key.data(), key_.data(), key.size()) == 0;
  }
  const std::string& hash() const { return hash_; }

 private:
  std::string key_;
  std::string hash_;
};

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
  return blake2b({}, key, {});
}

std::optional<std::string_view> presented_key(const net::Request& request, bool in_query) {
  const auto header = trim(request.header("authorization"));
  if (!header.empty()) {
    return starts_with_bearer(header) ? trim(header.substr(7)) : header;
  }
  if (in_query) {
    const auto value = request.query_value("api_key");
    if (value && !value->empty()) return *value;
  }
  return std::nullopt;
}

Caller caller_of(const net::Request& request, const core::Engine& engine, bool key_in_query) {
  const auto key = presented_key(request, key_in_query);
  if (!key) return Caller{};
  // Nearly every request comes with the key of the one before, and to hash it takes longer than all else here.
  static thread_local HashedKey last;
  if (!last.is(*key)) last = HashedKey(*key);
  const core::ApiKey* known = engine.find_key(last.hash());
  return known ? Caller{Caller::Kind::known, known} : Caller{Caller::Kind::unknown, nullptr};
}

std::string WorkerKeys::key_of(const EndpointId& endpoint, const WorkerId& worker) const {
  return blake2b(kWorkerKeyPrefix, "worker " + endpoint.str() + "/" + worker.str(), secret_);
}

bool WorkerKeys::allows(const net::Request& request, const EndpointId& endpoint, const WorkerId& worker) const {
  const auto presented = presented_key(request, false);
  if (!presented) return false;
  const auto known = known_.find(worker);
  if (known != known_.end() && known->second.endpoint == endpoint)
    return is_same_worker_key(*presented, known->second.key);
  std::string key = key_of(endpoint, worker);
  if (!is_same_worker_key(*presented, key)) return false;
  if (known_.size() >= kKnownMax) known_.clear();
  known_.insert_or_assign(worker, Known{endpoint, std::move(key)});
  return true;
}

}  // namespace penstock::api
