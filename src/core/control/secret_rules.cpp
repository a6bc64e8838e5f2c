#include "core/control/secret_rules.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "core/control/checks.h"

namespace penstock::core {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kDescriptionMax = 1'000;

bool is_secret_name(std::string_view text) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, fine);
}

/// Where a text names a secret.
struct Reference {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view name;
};

std::optional<Reference> next_reference(std::string_view text, std::size_t from) {
  constexpr std::string_view kPrefix = "RUNPOD_SECRET_";
  while (true) {
    const auto begin = text.find("{{", from);
    if (begin == std::string_view::npos) return std::nullopt;
    const auto close = text.find("}}", begin + 2);
    if (close == std::string_view::npos) return std::nullopt;
    auto inside = trim(text.substr(begin + 2, close - begin - 2));
    if (inside.starts_with(kPrefix)) {
      inside.remove_prefix(kPrefix.size());
      if (is_secret_name(inside)) return Reference{begin, close + 2, inside};
    }
    from = begin + 1;
  }
}

}  // namespace

Result<void> check_secret_value(std::string_view key, std::string_view value) {
  Checks checks;
  checks.require(!value.empty(), std::string(key) + " must not be empty");
  checks.require(value.size() <= kSecretBytesMax, std::string(key) + " has " + std::to_string(value.size()) +
                                                      " bytes; at most " + std::to_string(kSecretBytesMax) +
                                                      " are accepted");
  checks.require(value.find('\0') == std::string_view::npos, std::string(key) + " contains a NUL byte");
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return {};
}

Result<Secret> with_input(Secret secret, const SecretInput& in, bool creating) {
  Checks checks;
  if (creating) {
    secret.name = in.name;
    checks.require(is_secret_name(secret.name), "name is \"" + secret.name.substr(0, 2 * kNameMax) + "\"; 1 to " +
                                                    std::to_string(kNameMax) +
                                                    " letters, digits, '_', '-' and '.' are accepted for a secret");
  }
  in.description.keep_or_clear(secret.description);
  checks.require(!secret.description || secret.description->size() <= kDescriptionMax,
                 "description is too long; at most " + std::to_string(kDescriptionMax) + " bytes are accepted");
  in.sealed.keep_or(secret.sealed);
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return secret;
}

Result<RegistryCredential> with_input(RegistryCredential credential, const CredentialInput& in, bool creating) {
  Checks checks;
  if (creating) {
    credential.name = in.name;
    checks.require(!trim(credential.name).empty(), "name must not be empty");
    checks.require(credential.name.size() <= 191, "name has " + std::to_string(credential.name.size()) +
                                                      " bytes; at most 191 are accepted for a registry credential");
  }
  credential.sealed = in.sealed;
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return credential;
}

std::vector<std::string> named_secrets(const std::vector<EnvVar>& env) {
  std::vector<std::string> names;
  for (const EnvVar& variable : env) {
    for (auto found = next_reference(variable.value, 0); found; found = next_reference(variable.value, found->end)) {
      if (std::ranges::find(names, found->name) == names.end()) names.emplace_back(found->name);
    }
  }
  return names;
}

Result<std::string> with_secrets(std::string_view text,
                                 const std::function<Result<std::string>(std::string_view name)>& value_of) {
  std::string out;
  std::size_t done = 0;
  for (auto found = next_reference(text, 0); found; found = next_reference(text, found->end)) {
    auto value = value_of(found->name);
    if (!value) return value;
    out.append(text.substr(done, found->begin - done)).append(*value);
    done = found->end;
  }
  out.append(text.substr(done));
  return out;
}

}  // namespace penstock::core
