#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace penstock {

/// True for 1 to 128 characters of `[A-Za-z0-9_-]`: the alphabet that every client accepts in a path
/// (contract/data-plane 1.1).
bool is_id(std::string_view text) noexcept;

/// A short text that lies in the object itself: a copy costs no memory elsewhere.
template <std::size_t kSizeMax>
class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) : size_(static_cast<std::uint8_t>(text.size())) {
    ENSURE(text.size() <= kSizeMax);
    std::ranges::copy(text, characters_.begin());
  }

  operator std::string_view() const noexcept { return {characters_.data(), size_}; }
  bool empty() const noexcept { return size_ == 0; }

  friend bool operator==(const ShortText& a, const ShortText& b) noexcept {
    return std::string_view(a) == std::string_view(b);
  }
  friend auto operator<=>(const ShortText& a, const ShortText& b) noexcept {
    return std::string_view(a) <=> std::string_view(b);
  }

 private:
  static_assert(kSizeMax < 256);
  std::uint8_t size_ = 0;
  std::array<char, kSizeMax> characters_{};
};

/// A checked identifier of one kind of thing. Kinds do not mix.
template <class Tag>
class Id {
 public:
  using Text = typename Tag::Text;

  Id() = default;  // empty: names nothing

  /// Errors: invalid, naming the text.
  static Result<Id> parse(std::string_view text) {
    if (!is_id(text) || text.size() > Tag::kSizeMax) {
      return fail(Errc::invalid, std::string(Tag::kName) + " \"" + std::string(text.substr(0, 64)) +
                                     "\" is not an id: 1 to " + std::to_string(Tag::kSizeMax) +
                                     " letters, digits, '-' or '_' are accepted");
    }
    return Id(Text(text));
  }

  /// Good as long as this object is there.
  typename Tag::View str() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

  friend std::string to_string(const Id& id) { return std::string(id.str()); }

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  explicit Id(Text value) : value_(std::move(value)) {}

  Text value_;
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

struct UsualId {
  using Text = std::string;
  using View = const std::string&;
  static constexpr std::size_t kSizeMax = 128;
};

struct AccountTag : UsualId {
  static constexpr const char* kName = "account id";
};
struct EndpointTag : UsualId {
  static constexpr const char* kName = "endpoint id";
};
struct TemplateTag : UsualId {
  static constexpr const char* kName = "template id";
};
/// We make all ids of jobs. They are copied several times a job, and too long for what std::string keeps in itself.
struct JobTag {
  static constexpr std::size_t kSizeMax = 47;
  using Text = ShortText<kSizeMax>;
  using View = std::string_view;
  static constexpr const char* kName = "job id";
};
struct WorkerTag : UsualId {
  static constexpr const char* kName = "worker id";
};
struct VolumeTag : UsualId {
  static constexpr const char* kName = "network volume id";
};
struct SecretTag : UsualId {
  static constexpr const char* kName = "secret id";
};
struct CredentialTag : UsualId {
  static constexpr const char* kName = "registry credential id";
};
struct BatchTag : UsualId {
  static constexpr const char* kName = "batch id";
};
struct DeliveryTag : UsualId {
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
