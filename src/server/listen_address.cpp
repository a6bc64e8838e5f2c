#include "base/number.h"
#include "server/config.h"

namespace penstock::server {

Result<std::pair<std::string, std::uint16_t>> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  const Error bad{Errc::invalid,
                  "listen address \"" + text + "\" is not accepted; use address:port, such as 127.0.0.1:8420"};
  if (colon == std::string::npos || colon == 0) return tl::unexpected<Error>(bad);
  const auto port = parse_number<std::uint16_t>(std::string_view(text).substr(colon + 1));  // no more than 65535
  if (!port) return tl::unexpected<Error>(bad);
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::pair(host, *port);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

net::AddressRules webhook_rules(const Config& config) {
  const bool own_machine = is_loopback(parse_listen(config.listen)->first) && config.engine.process_images;
  return *net::AddressRules::make(config.webhooks_allow_private.value_or(own_machine),
                                  config.webhooks_allowed_networks);
}

}  // namespace penstock::server
