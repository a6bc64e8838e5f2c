#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/fields.h"

namespace penstock::net {

class SpoolFile;

/// One HTTP request, whole. `path` is percent-decoded segment by segment with '/' kept; `query` is decoded.
struct Request {
  std::string method;
  std::string path;
  Fields query;
  Fields headers;  // names in lower case
  std::string body;
  std::shared_ptr<SpoolFile> spooled;  // instead of `body`, where BodyRule says so
  std::string peer;                    // address:port

  /// Keeps the memory of what is small, for the next request.
  void clear();

  /// Empty when absent. Header names are given in lower case.
  std::string_view header(std::string_view name) const { return headers.find(name).value_or(std::string_view()); }
  std::optional<std::string_view> query_value(std::string_view name) const { return query.find(name); }
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // a text that stays
  std::string body;
  bool any_origin = false;  // scripts of any page may read it: Access-Control-Allow-Origin
  std::vector<std::pair<std::string, std::string>> headers;  // beyond Content-Type, Content-Length, Connection, Date
};

/// Answers exactly one request, now or later, on the loop's thread. Movable handle; the connection keeps the state.
/// Dropped without an answer, it sends 500.
class Responder {
 public:
  struct State;
  explicit Responder(std::shared_ptr<State> state);
  Responder() = default;

  /// `written` (optional) is told once whether the whole answer was handed to a connection that was still open.
  /// A second send on one request is a bug.
  void send(Response response, std::function<void(bool written)> written = {});

  /// Instead of send(): an answer whose body comes piece by piece, for as long as it takes. `response.body` is its
  /// first piece; its headers have no Content-Length. Dropping the handle without end() closes the connection, so that
  /// the client can tell.
  void begin(Response response);
  /// Adds to the body. False: it is over, because the client went away, or reads so slowly that more than
  /// HttpLimits::unread_bytes_max would wait for it (then it is disconnected). Nothing more is called then. Where
  /// nothing waits, one piece may be of any size.
  bool write(std::string_view bytes);
  /// Called once, later, when nothing of what was written waits any more: a writer that adds the next piece only then
  /// goes at the pace of its reader. Not called when the client goes away. Replaces an earlier one.
  void on_drained(std::function<void()> drained);
  /// The body is whole.
  void end();

  /// Lets go of it when the request is over: answered, or its client gone and the handles dropped.
  void keep(std::shared_ptr<void> companion);

  /// Called at most once, when the client goes away before send() or end(). Replaces an earlier one.
  void on_gone(std::function<void()> gone);
  bool gone() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace penstock::net
