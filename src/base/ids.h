#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock {

/// True for 1 to 128 characters of `[A-Za-z0-9_-]`: the alphabet that every client accepts in a path
/// (contract/data-plane 1.1).
bool is_id(std::string_view text) noexcept;

/// A checked identifier of one kind of thing. Kinds do not mix.
template <class Tag>
class Id {
 public:
  Id() = default;  // empty: names nothing

  /// Errors: invalid, naming the text.
  static Result<Id> parse(std::string_view text) {
    if (!is_id(text)) {
      return fail(Errc::invalid, std::string(Tag::kName) + " \"" + std::string(text.substr(0, 64)) +
                                     "\" is not an id: 1 to 128 letters, digits, '-' or '_' are accepted");
    }
    return Id(std::string(text));
  }

  const std::string& str() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  explicit Id(std::string value) : value_(std::move(value)) {}

  std::string value_;
};

/// Good in all its bits. Not the same everywhere: nothing may keep it.
struct IdHash {
  using is_avalanching = void;  // for Boost: it need not be mixed again

  std::size_t operator()(std::string_view id) const noexcept;
  template <class Tag>
  std::size_t operator()(const Id<Tag>& id) const noexcept {
    return (*this)(id.str());
  }
};

struct AccountTag {
  static constexpr const char* kName = "account id";
};
struct EndpointTag {
  static constexpr const char* kName = "endpoint id";
};
struct TemplateTag {
  static constexpr const char* kName = "template id";
};
struct JobTag {
  static constexpr const char* kName = "job id";
};
struct WorkerTag {
  static constexpr const char* kName = "worker id";
};
struct VolumeTag {
  static constexpr const char* kName = "network volume id";
};
struct SecretTag {
  static constexpr const char* kName = "secret id";
};
struct CredentialTag {
  static constexpr const char* kName = "registry credential id";
};
struct BatchTag {
  static constexpr const char* kName = "batch id";
};
struct DeliveryTag {
  static constexpr const char* kName = "webhook delivery id";
};

using AccountId = Id<AccountTag>;
using EndpointId = Id<EndpointTag>;
using TemplateId = Id<TemplateTag>;
using JobId = Id<JobTag>;
using WorkerId = Id<WorkerTag>;
using VolumeId = Id<VolumeTag>;
using SecretId = Id<SecretTag>;
using CredentialId = Id<CredentialTag>;
using BatchId = Id<BatchTag>;
using DeliveryId = Id<DeliveryTag>;

}  // namespace penstock

template <class Tag>
struct std::hash<penstock::Id<Tag>> : penstock::IdHash {};
