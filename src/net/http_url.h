#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::net {

/// An absolute http or https URL, taken apart for a request.
struct HttpUrl {
  bool tls = false;
  std::string host;  // lower case, without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string authority;  // host, and the port when the URL names one: for the Host header
  std::string target;     // path and query
};

/// Errors: invalid (another scheme, no host, a user name or password, a port that is none).
Result<HttpUrl> parse_http_url(std::string_view text);

/// Whether the host is an address already, such as 127.0.0.1 or ::1, and no name to look up.
bool is_address(std::string_view host);

}  // namespace penstock::net
