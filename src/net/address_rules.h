#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::net {

/// To which addresses a client may connect on behalf of somebody else, who must not reach what only this machine or its
/// network can reach. A value; any thread may read it.
///
/// Public addresses are always fine. Loopback and private ones (RFC 1918, RFC 6598, unique local) are when
/// `allow_private` says so. Link-local, multicast, reserved and the metadata addresses of clouds never are. A listed
/// network is fine whatever it is. An IPv6 address that only wraps an IPv4 one is that IPv4 address.
class AddressRules {
 public:
  AddressRules() = default;

  /// `networks`: "10.20.0.0/16, fd00::/8, 192.168.1.7". Errors: invalid (which entry).
  static Result<AddressRules> make(bool allow_private, std::string_view networks);

  /// Why this address (as text) must not be connected to; nothing when it may.
  std::optional<std::string> refusal(std::string_view address) const;

  struct Network {
    std::array<unsigned char, 16> address{};  // IPv4 as ::ffff:a.b.c.d
    int bits = 0;
  };

 private:
  bool allow_private_ = false;
  std::vector<Network> networks_;
};

}  // namespace penstock::net
