#include "api/metrics/metrics_api.h"

#include <algorithm>

#include "api/answers.h"
#include "api/auth/keys.h"
#include "api/metrics/metrics_text.h"

namespace penstock::api {
namespace {

/// "127.0.0.1:80", "[::1]:80" or "localhost": without the port.
std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  return address.substr(0, address.rfind(':'));
}

/// The text of an address, not of a name: "127.example" is none.
bool is_loopback(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  if (address.starts_with(kMapped)) address.remove_prefix(kMapped.size());
  const bool is_v4 = address.find_first_not_of("0123456789.") == std::string_view::npos;
  return address == "::1" || (is_v4 && address.starts_with("127."));
}

}  // namespace

bool is_local(const net::Request& request) {
  constexpr std::string_view kOfProxies[] = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip",
                                             "via",       "origin"};
  const bool passed_on =
      std::ranges::any_of(kOfProxies, [&](std::string_view name) { return !request.header(name).empty(); });
  const std::string_view host = without_port(request.header("host"));
  return !passed_on && is_loopback(without_port(request.peer)) && (host == "localhost" || is_loopback(host));
}

void MetricsApi::handle(const net::Request& request, const RouteCounts& routes, net::Responder responder) {
  if (request.method != "GET" && request.method != "HEAD") return responder.send(wrong_method(request, "GET"));
  const Caller caller = caller_of(request, core_.engine(), true);
  if (caller.kind == Caller::Kind::unknown || (caller.kind == Caller::Kind::nobody && !is_local(request))) {
    return responder.send(error_answer(
        {Errc::unauthenticated,
         "a valid API key is needed unless the request comes from this machine itself: send Authorization: Bearer "
         "<key>"}));
  }
  net::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(core_.engine(), core_.now(), routes, gather_());
  responder.send(std::move(response));
}

}  // namespace penstock::api
