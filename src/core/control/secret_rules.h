#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/control/inputs.h"
#include "core/model/secret.h"

namespace penstock::core {

inline constexpr std::size_t kSecretBytesMax = 64 * 1024;

/// Whether a value may be kept, before it is sealed: not empty, bounded, and fit for an environment. `key` names it in
/// the refusal. Errors: invalid.
Result<void> check_secret_value(std::string_view key, std::string_view value);

/// Applies secretCreate, secretValueUpdate or secretDescriptionUpdate and checks the outcome. Errors: invalid.
Result<Secret> with_input(Secret secret, const SecretInput& input, bool creating);

/// Applies saveRegistryAuth or updateRegistryAuth and checks the outcome. Errors: invalid.
Result<RegistryCredential> with_input(RegistryCredential credential, const CredentialInput& input, bool creating);

/// The secrets that these values name, each once.
std::vector<std::string> named_secrets(const std::vector<EnvVar>& env);

/// The text with every {{ RUNPOD_SECRET_<name> }} replaced by what `value_of` gives. Errors: those of `value_of`.
Result<std::string> with_secrets(std::string_view text,
                                 const std::function<Result<std::string>(std::string_view name)>& value_of);

}  // namespace penstock::core
