#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "base/random.h"
#include "core/engine.h"
#include "net/http.h"

namespace penstock::api {

/// Once, before anything else here. False: the system offers no good random numbers.
bool init_crypto();

/// A new API key, `rpa_` and 48 random characters: too many to guess, so a fast hash protects it well enough.
std::string make_api_key(Random& random);

/// What is stored of a key: its BLAKE2b hash, hexadecimal.
std::string hash_key(std::string_view key);

/// The key that a request presents: `Authorization: Bearer K` or `Authorization: K`, else `?api_key=K` where `in_query`
/// allows it. The header wins. Nothing when none is presented. A part of the request.
std::optional<std::string_view> presented_key(const net::Request& request, bool in_query);

/// Who calls a client API.
struct Caller {
  enum class Kind { nobody, unknown, known };
  Kind kind = Kind::nobody;
  const core::ApiKey* key = nullptr;  // kind known
};
Caller caller_of(const net::Request& request, const core::Engine& engine, bool key_in_query);

/// The keys of workers. A worker's key is derived from the server's secret and the worker's name, so nothing has to be
/// stored and a restarted server knows the keys of the workers it adopts. It opens the worker routes of that one worker
/// and nothing else.
class WorkerKeys {
 public:
  /// `secret`: 32 bytes.
  explicit WorkerKeys(std::string secret) : secret_(std::move(secret)) {}

  const std::string& secret() const { return secret_; }
  std::string key_of(const EndpointId& endpoint, const WorkerId& worker) const;
  /// On one thread only: it remembers the keys of workers that asked with the right one.
  bool allows(const net::Request& request, const EndpointId& endpoint, const WorkerId& worker) const;

 private:
  std::string secret_;
  struct Known {
    EndpointId endpoint;
    std::string key;
  };
  mutable std::unordered_map<WorkerId, Known> known_;
};

}  // namespace penstock::api
