#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace penstock::net {

struct ClientResponse {
  int status = 0;
  std::string body;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http://host[:port]/path?query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{30'000};  // for the whole exchange
};

/// One blocking HTTP exchange on a connection of its own, for the command line. Errors: invalid (not such a URL, or
/// https, which this client does not speak), unavailable (cannot connect, timed out, connection lost).
Result<ClientResponse> fetch(const ClientRequest& request);

}  // namespace penstock::net
