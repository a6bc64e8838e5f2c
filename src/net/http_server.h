#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/spool.h"

namespace penstock::net {

/// Bounds of one HTTP server; each is answered as said when it is reached.
struct HttpLimits {
  std::size_t header_bytes_max = 32 * 1024;         // 431
  std::size_t body_bytes_max = 21 * 1024 * 1024;    // 413, unless body_limit says otherwise for the request
  std::size_t body_bytes_unasked = 0;               // announced as no longer, it is taken without asking body_limit
  std::size_t bodies_bytes_max = 1U << 30;          // of all bodies that are arriving; one beyond 64 KiB gets 503 then
  std::size_t unread_bytes_max = 1024 * 1024;       // of an answer that comes piece by piece: closed
  std::size_t connections_max = 20'000;             // further connections get 503 and are closed
  std::chrono::milliseconds head_timeout{10'000};   // first byte to end of headers: closed
  std::chrono::milliseconds body_timeout{60'000};   // whole body, or 16 MiB of one that goes to a file: 408
  std::chrono::milliseconds idle_timeout{120'000};  // keep-alive; the SDK needs at least 75 s (contract/data-plane 2.3)
  std::chrono::milliseconds write_timeout{60'000};  // an answer that the client does not read: closed
};

/// Answers by status, since the start.
class HttpCounts {
 public:
  void add(int status) {
    if (status >= kFirst && status < kEnd) ++counts_[static_cast<std::size_t>(status - kFirst)];
  }
  std::uint64_t of(int status) const {
    return status >= kFirst && status < kEnd ? counts_[static_cast<std::size_t>(status - kFirst)] : 0;
  }

 private:
  static constexpr int kFirst = 100;
  static constexpr int kEnd = 600;
  std::array<std::uint64_t, kEnd - kFirst> counts_{};
};

/// What the body of one request may be.
struct BodyRule {
  BodyRule(std::size_t most) : bytes_max(most) {}
  BodyRule(std::size_t most, std::string_view setting) : bytes_max(most), setting_name(setting) {}

  std::size_t bytes_max;
  std::string_view setting_name;  // of the limit, for the refusal; empty: none
  Spool* spool = nullptr;         // where a body that is longer than `spool_above` goes; null: into memory like others
  std::size_t spool_above = 0;
  std::function<std::string(const Request& head)> spool_prefix = {};  // of the file's name; with `spool`
  /// Called when the body turns out to be larger than `bytes_max`, before the refusal; `bytes`: as the client said
  /// beforehand, 0 when it did not.
  std::function<void(const Request& head, std::uint64_t bytes)> on_too_large = {};
};

/// HTTP/1.1 server on the loop: keep-alive, pipelined requests answered in order, chunked bodies, `Expect:
/// 100-continue`, HEAD. A malformed request is answered 400 with a JSON body and the connection closed.
class HttpServer {
 public:
  /// May take what it wants out of the request, which goes when it returns.
  using Handler = std::function<void(Request&&, Responder)>;
  /// Asked when the head of a request is complete (path, method and headers are set), but not for a body of
  /// HttpLimits::body_bytes_unasked.
  using BodyLimit = std::function<BodyRule(const Request&)>;

  HttpServer(Loop& loop, HttpLimits limits, Handler handler, BodyLimit body_limit = {});
  ~HttpServer();

  /// Binds and listens; port 0 takes a free one. Errors: invalid (not an address), unavailable (in use, not ours).
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);

  /// Graceful end: accepts nothing more, closes idle connections, lets requests in flight be answered (with
  /// `Connection: close`), then calls `done` once. stop_now() drops what is left.
  void stop(std::function<void()> done);
  void stop_now();

  /// Nothing that is answered from now on leaves before release(ticket) with this ticket or a later one: what it tells
  /// may depend on something that is not durable yet. Tickets only grow.
  void hold(std::uint64_t ticket);
  void release(std::uint64_t ticket);
  /// What `answer` answers leaves at once, whatever is held.
  void pass(const std::function<void()>& answer);

  std::size_t connections() const;
  const HttpCounts& counts() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::net
