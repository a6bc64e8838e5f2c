#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address_rules.h"
#include "net/http_client.h"
#include "net/http_url.h"

namespace penstock::net {

/// One HTTP exchange on a connection of its own: look up, connect, TLS, send, receive. For this module's own files.
///
/// Lives on the thread that runs `Means::context`, kept alive by its own operations, and tells its end once: by then
/// its connection is closed. What `Means` refers to must outlive it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Done = std::function<void(Result<ClientResponse>)>;
  using Found = std::function<void(Result<std::vector<std::string>>)>;
  struct Means {
    boost::asio::io_context& context;
    boost::asio::ssl::context& tls;
    std::function<void(const std::string& host, Found)> look_up;  // calls back on the context's thread
    const AddressRules* rules = nullptr;                          // null: any address
  };

  Exchange(const Means& means, ClientRequest request, HttpUrl url, Done done);

  void start();
  /// Ends it with an error unless it ends by itself within that time.
  void hurry(std::chrono::milliseconds within);

 private:
  using Clock = std::chrono::steady_clock;
  using error_code = boost::system::error_code;

  void found(Result<std::vector<std::string>> addresses);
  void connect(std::size_t next);
  void shake_hands();
  void send();
  void receive_head();
  void receive_body();
  void body_came(error_code ec);
  void succeed();
  void give_up(const std::string& what, error_code ec);
  void end(Result<ClientResponse> result);
  void set_deadline(Clock::time_point at);
  std::string tls_reason(error_code ec);

  template <class Use>
  void with_stream(Use use) {
    if (tls_) {
      use(*tls_);
    } else {
      use(socket_);
    }
  }

  Means means_;
  ClientRequest request_;
  HttpUrl url_;
  Done done_;
  Clock::time_point last_moment_;
  boost::asio::steady_timer timer_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  std::vector<std::string> addresses_;
  error_code connect_error_;
  error_code write_error_;
  const char* doing_ = "cannot find";  // for the message of a time-out
  boost::beast::http::request<boost::beast::http::string_body> message_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> parser_;
  int interim_left_ = 8;  // answers of 1xx before the real one
  bool has_status_ = false;
  std::array<char, 16 * 1024> piece_;
  std::string body_;
};

}  // namespace penstock::net
