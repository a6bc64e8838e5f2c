#include "net/address_rules.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "base/number.h"
#include "base/text.h"

namespace penstock::net {
namespace {

namespace ip = boost::asio::ip;
using Bytes = std::array<unsigned char, 16>;
using Network = AddressRules::Network;

enum class Kind { loopback, closed_network, never };  // closed_network: private, but somebody's receiver may be there

struct KnownNetwork {
  const char* text;
  Kind kind;
  const char* what;
};

// The first match counts. IANA's special-purpose registries, and where clouds serve metadata to their machines.
constexpr KnownNetwork kKnown[] = {
    {"169.254.169.254/32", Kind::never, "a cloud's metadata address"},
    {"100.100.100.200/32", Kind::never, "a cloud's metadata address"},
    {"192.0.0.192/32", Kind::never, "a cloud's metadata address"},
    {"fd00:ec2::254/128", Kind::never, "a cloud's metadata address"},
    {"fd20:ce::254/128", Kind::never, "a cloud's metadata address"},
    {"127.0.0.0/8", Kind::loopback, "a loopback address"},
    {"::1/128", Kind::loopback, "a loopback address"},
    {"10.0.0.0/8", Kind::closed_network, "a private address"},
    {"172.16.0.0/12", Kind::closed_network, "a private address"},
    {"192.168.0.0/16", Kind::closed_network, "a private address"},
    {"100.64.0.0/10", Kind::closed_network, "a private address"},
    {"fc00::/7", Kind::closed_network, "a unique local address"},
    {"0.0.0.0/8", Kind::never, "an unspecified address"},
    {"169.254.0.0/16", Kind::never, "a link-local address"},
    {"192.0.0.0/24", Kind::never, "a reserved address"},
    {"192.0.2.0/24", Kind::never, "a documentation address"},
    {"192.88.99.0/24", Kind::never, "a reserved address"},
    {"198.18.0.0/15", Kind::never, "a reserved address"},
    {"198.51.100.0/24", Kind::never, "a documentation address"},
    {"203.0.113.0/24", Kind::never, "a documentation address"},
    {"224.0.0.0/4", Kind::never, "a multicast address"},
    {"240.0.0.0/4", Kind::never, "a reserved address"},
    {"::/128", Kind::never, "an unspecified address"},
    {"fe80::/10", Kind::never, "a link-local address"},
    {"ff00::/8", Kind::never, "a multicast address"},
    {"2001:db8::/32", Kind::never, "a documentation address"},
    {"2001::/23", Kind::never, "a reserved address"},
};

Bytes bytes_of(const ip::address& address) {
  if (address.is_v6()) return address.to_v6().to_bytes();
  Bytes out{};
  out[10] = out[11] = 0xff;
  std::ranges::copy(address.to_v4().to_bytes(), out.begin() + 12);
  return out;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  boost::system::error_code ec;
  const auto address = ip::make_address(text.substr(0, slash), ec);
  if (ec || (address.is_v6() && address.to_v6().scope_id() != 0)) return std::nullopt;
  const int most = address.is_v6() ? 128 : 32;
  int bits = most;
  if (slash != std::string_view::npos) {
    const auto length = parse_number<int>(text.substr(slash + 1));
    if (!length || *length < 0 || *length > most) return std::nullopt;
    bits = *length;
  }
  return Network{bytes_of(address), bits + 128 - most};
}

bool contains(const Network& network, const Bytes& address) {
  const int whole = network.bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
  const int rest = network.bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return ((address[static_cast<std::size_t>(whole)] ^ network.address[static_cast<std::size_t>(whole)]) & mask) == 0;
}

const std::vector<std::pair<Network, const KnownNetwork*>>& known_networks() {
  static const auto all = [] {
    std::vector<std::pair<Network, const KnownNetwork*>> made;
    for (const KnownNetwork& known : kKnown) made.emplace_back(*parse_network(known.text), &known);
    return made;
  }();
  return all;
}

/// Four bytes of an IPv6 address as the IPv4 address that they are.
Bytes wrapped(const Bytes& address, std::size_t first) {
  Bytes out{};
  out[10] = out[11] = 0xff;
  std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(first), 4, out.begin() + 12);
  return out;
}

bool starts_with(const Bytes& address, std::initializer_list<unsigned char> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

bool is_v4(const Bytes& address) {
  return starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
}

/// What a router makes of an address that carries another: IPv4-compatible, NAT64 and 6to4.
Bytes unwrapped(const Bytes& address) {
  const bool compatible = starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) &&
                          (address[12] != 0 || address[13] != 0 || address[14] != 0 || address[15] > 1);
  if (compatible || starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return wrapped(address, 12);
  if (starts_with(address, {0x20, 0x02})) return wrapped(address, 2);
  return address;
}

}  // namespace

Result<AddressRules> AddressRules::make(bool allow_private, std::string_view networks) {
  AddressRules rules;
  rules.allow_private_ = allow_private;
  for (const std::string_view entry : split_list(networks, ',')) {
    const auto network = parse_network(entry);
    if (!network) {
      return fail(Errc::invalid,
                  "\"" + std::string(entry) +
                      "\" is not a network; an address or address/bits is accepted, such as 10.20.0.0/16 "
                      "or fd00::/8, several separated by commas");
    }
    rules.networks_.push_back(*network);
  }
  return rules;
}

std::optional<std::string> AddressRules::refusal(std::string_view text) const {
  boost::system::error_code ec;
  const auto parsed = ip::make_address(text, ec);
  if (ec) return "\"" + std::string(text) + "\" is not an address";
  const Bytes outer = bytes_of(parsed);
  const Bytes address = unwrapped(outer);
  const auto listed = [&](const Network& network) { return contains(network, address) || contains(network, outer); };
  if (std::ranges::any_of(networks_, listed)) return std::nullopt;
  for (const auto& [network, known] : known_networks()) {
    if (!contains(network, address)) continue;
    if (known->kind != Kind::never && allow_private_) return std::nullopt;
    return std::string(text) + " is " + known->what;
  }
  const bool global = is_v4(address) || (address[0] & 0xe0) == 0x20;  // 2000::/3 is all that is given out
  if (!global) return std::string(text) + " is a reserved address";
  return std::nullopt;
}

}  // namespace penstock::net
