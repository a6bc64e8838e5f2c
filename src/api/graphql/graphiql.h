#pragma once

#include <map>
#include <string>
#include <string_view>

#include "net/http.h"

namespace penstock::api {

/// GraphiQL for browsers: the page at /graphql and the files that it loads from /graphql/<name>, all out of this
/// program. The page asks for the API key itself, so nothing here needs one. Loop thread only.
class Graphiql {
 public:
  /// After init_crypto().
  Graphiql();

  /// Whether a browser wants to see /graphql: a GET that prefers HTML and names no operation to run.
  static bool wanted_by(const net::Request& request);

  net::Response page(const net::Request& request) const;
  /// 404 for a name that the page has not.
  net::Response file(const net::Request& request, std::string_view name) const;

 private:
  std::map<std::string_view, std::string> tags_;  // file name -> its entity tag
};

}  // namespace penstock::api
