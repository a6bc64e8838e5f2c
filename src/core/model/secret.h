#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::core {

// What users keep here and nobody may read back. The core holds only what was sealed outside, with a key that it never
// sees; whoever starts workers opens it.

/// A value that environments of templates and endpoints name as {{ RUNPOD_SECRET_<name> }}. Names are unique within an
/// account.
struct Secret {
  SecretId id;
  AccountId owner;
  std::string name;
  std::optional<std::string> description;
  std::string sealed;
  Time created{};
  Time updated{};

  friend bool operator==(const Secret&, const Secret&) = default;
};

/// User name and password of a container registry. Names are unique within an account.
struct RegistryCredential {
  CredentialId id;
  AccountId owner;
  std::string name;
  std::string sealed;
  Time created{};

  friend bool operator==(const RegistryCredential&, const RegistryCredential&) = default;
};

}  // namespace penstock::core
