#pragma once

#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

struct Account {
  AccountId id;
  std::string email;
  Time created{};
  std::string pub_key = {};                // text of an authorized_keys file
  std::string webhook_secret = {};         // sealed outside; signs this account's webhooks
  std::string webhook_secret_before = {};  // the one that it replaced
  Time webhook_secret_since = {};

  friend bool operator==(const Account&, const Account&) = default;
};

enum class KeyScope { all, read_only };

/// A key of an account. Only its hash is kept.
struct ApiKey {
  std::string id;
  AccountId account;
  std::string name;
  std::string hash;  // hexadecimal; made by api/auth
  KeyScope scope = KeyScope::all;
  Time created{};

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

}  // namespace penstock::core
