#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::api {

/// Seals what users keep secret, and opens it where a worker is started (XSalsa20 and Poly1305, libsodium's secretbox).
/// Whoever has the sealed text but not the key learns its length and nothing else.
class Vault {
 public:
  /// `key`: 32 bytes.
  explicit Vault(std::string key);

  /// Printable text; the same value gives another text each time.
  std::string seal(std::string_view value) const;
  /// Errors: unavailable (sealed with another key, or damaged).
  Result<std::string> open(std::string_view sealed) const;

 private:
  std::string key_;
};

}  // namespace penstock::api
