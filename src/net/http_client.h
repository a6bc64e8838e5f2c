#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/address_rules.h"
#include "net/loop.h"

namespace penstock::net {

struct ClientResponse {
  int status = 0;
  std::string body;
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://host[:port]/path?query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{30'000};          // for the whole exchange
  std::chrono::milliseconds connect_timeout{30'000};  // look-up, connection and TLS, within `timeout`
  std::size_t answer_bytes_max = 256 * 1024 * 1024;   // a longer answer is an error ...
  bool may_cut_answer = false;                        // ... or is cut there; once there is a status, it is no failure
};

/// One blocking HTTP exchange on a connection of its own, for the command line. Redirects are not followed. Errors:
/// invalid (not such a URL), unavailable (cannot connect, certificate not trusted, timed out, connection lost),
/// too_large.
Result<ClientResponse> fetch(const ClientRequest& request);

struct HttpClientOptions {
  AddressRules rules;                 // every address is held against them when it is connected to
  std::string ca_file;                // PEM: authorities to trust besides the system's
  std::size_t exchanges_max = 1'000;  // more at once are refused: the caller has its own, lower bound
};

/// HTTP and HTTPS exchanges in the background, each on a connection of its own. Redirects are not followed.
///
/// Owned by the loop's thread, on which `send` is called and on which its callbacks run. A thread of its own does the
/// work: a TLS handshake costs a millisecond of computing. Names are looked up on further threads. Must end before the
/// loop.
class HttpClient {
 public:
  using Make = std::function<ClientRequest()>;
  using Done = std::function<void(Result<ClientResponse>)>;

  /// Errors: invalid (the certificates).
  static Result<std::unique_ptr<HttpClient>> make(Loop& loop, HttpClientOptions options);
  /// Drops what is in flight: its `done` is not called. Waits for look-ups of names under way.
  ~HttpClient();

  /// `make` is called on the client's thread, so that large bodies are built there; it may share only what nobody
  /// changes. `done` is called once on the loop's thread, never inside this call. Errors: as fetch(), and forbidden
  /// (the rules), busy (exchanges_max).
  void send(Make make, Done done);
  std::size_t in_flight() const;
  /// Whatever is in flight ends within that time.
  void hurry(std::chrono::milliseconds within);

 private:
  struct Impl;
  explicit HttpClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::net
