#pragma once

#include <string>

#include "net/http.h"

namespace penstock::api {

/// One GraphQL response after the other as server-sent events: the `graphql-sse` protocol, one connection for each
/// operation. Loop thread only.
class EventStream {
 public:
  /// Sends the head at once.
  explicit EventStream(net::Responder responder);

  /// A response. False: the client is gone or reads too slowly, and the stream is over.
  bool next(const std::string& response);
  /// There will be no more.
  void complete();
  /// Says nothing, so that whoever is between does not take the connection for dead.
  bool keep_alive();

  /// When the client leaves. Not called after next() or keep_alive() gave false, nor after complete().
  void on_gone(std::function<void()> gone);

 private:
  net::Responder responder_;
};

}  // namespace penstock::api
