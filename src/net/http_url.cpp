#include "net/http_url.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/number.h"

namespace penstock::net {
namespace {

constexpr std::size_t kShownBytes = 200;
constexpr std::size_t kHostBytesMax = 253;  // of a DNS name

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax) return false;
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

bool is_address(std::string_view host) {
  boost::system::error_code ec;
  boost::asio::ip::make_address(host, ec);
  return !ec;
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return fail(Errc::invalid, "\"" + std::string(text.substr(0, kShownBytes)) + "\" " + why +
                                   ": http://host[:port]/path is accepted, and https");
  };
  const auto url = boost::urls::parse_uri({text.data(), text.size()});
  if (!url || url->host().empty()) return wrong("is not a URL");
  const auto scheme = url->scheme_id();
  if (scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https) return wrong("is not http or https");
  if (url->has_userinfo()) return wrong("has a user name or password in it");
  HttpUrl out;
  out.tls = scheme == boost::urls::scheme::https;
  out.host = url->host_address();
  std::ranges::transform(out.host, out.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!is_address(out.host) && !is_host_name(out.host)) return wrong("has a host that is no name and no address");
  out.port = out.tls ? 443 : 80;
  const auto port = url->port();
  if (!port.empty()) {
    out.port = parse_number<std::uint16_t>({port.data(), port.size()}).value_or(0);
    if (out.port == 0) return wrong("has a port that is not from 1 to 65535");
  }
  out.authority = out.host.find(':') == std::string::npos ? out.host : "[" + out.host + "]";
  if (!port.empty()) out.authority += ":" + std::to_string(out.port);
  const auto path = url->encoded_path();
  out.target = path.empty() ? "/" : std::string(path.data(), path.size());
  if (url->has_query()) {
    const auto query = url->encoded_query();
    out.target.append("?").append(query.data(), query.size());
  }
  return out;
}

}  // namespace penstock::net
