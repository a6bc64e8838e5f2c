#include "api/graphql/graphiql.h"

#include <algorithm>

#include "api/answers.h"
#include "api/auth/keys.h"
#include "api/graphql/graphiql_bundle.h"
#include "api/graphql/transport.h"

namespace penstock::api {
namespace {

/// The page talks to the server it came from and to nobody else. Its libraries write style elements, hence the
/// 'unsafe-inline' for styles; scripts come from the files alone.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

bool reads(const net::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

/// Browsers ask each time whether their copy is the current one: another version of the server has other files under
/// the same names.
net::Response answer(const net::Request& request, const BundledFile& file, const std::string& tag) {
  net::Response response;
  response.content_type = file.content_type;
  response.headers = {
      {"ETag", tag},
      {"Cache-Control", "no-cache"},
      {"Vary", "Accept"},
      {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
  };
  if (request.header("if-none-match").find(tag) != std::string_view::npos) {
    response.status = 304;
  } else {
    response.body = file.bytes;
  }
  return response;
}

}  // namespace

Graphiql::Graphiql() {
  for (const BundledFile& file : graphiql_bundle()) tags_[file.name] = '"' + hash_key(file.bytes).substr(0, 32) + '"';
}

bool Graphiql::wanted_by(const net::Request& request) {
  return reads(request) && prefers_html(request.header("accept")) && !request.query_value("query");
}

net::Response Graphiql::page(const net::Request& request) const {
  const BundledFile& index = graphiql_bundle().front();
  return answer(request, index, tags_.at(index.name));
}

net::Response Graphiql::file(const net::Request& request, std::string_view name) const {
  const auto files = graphiql_bundle().subspan(1);
  const auto found = std::ranges::find(files, name, &BundledFile::name);
  if (found == files.end()) {
    return error_answer({Errc::not_found, "no such file: /graphql/" + std::string(name.substr(0, 200))});
  }
  if (!reads(request)) return wrong_method(request, "GET, HEAD");
  return answer(request, *found, tags_.at(found->name));
}

}  // namespace penstock::api
