#include "net/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace penstock::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint64_t kAnswerBytesMax = 256 * 1024 * 1024;

struct Place {
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string header;  // for Host
  std::string target;
};

Result<Place> parse_url(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return fail(Errc::invalid, "\"" + text + "\" " + why + ": http://host[:port]/path is accepted");
  };
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->host().empty()) return wrong("is not a URL");
  if (url->scheme() != "http") return wrong("is not plain http");
  const auto host = url->encoded_host_address();
  Place place;
  place.host.assign(host.data(), host.size());
  place.port = url->has_port() && !url->port().empty() ? std::string(url->port()) : "80";
  const auto header = url->encoded_host_and_port();
  place.header.assign(header.data(), header.size());
  const auto path = url->encoded_path();
  place.target = path.empty() ? "/" : std::string(path.data(), path.size());
  if (url->has_query()) {
    const auto query = url->encoded_query();
    place.target.append("?").append(query.data(), query.size());
  }
  return place;
}

/// One exchange: each step runs the context until it is done; the stream's deadline ends them all.
class Exchange {
 public:
  Exchange(const ClientRequest& request, Place place)
      : request_(request), place_(std::move(place)), deadline_(std::chrono::steady_clock::now() + request.timeout) {}

  Result<ClientResponse> run() {
    error_code ec;
    tcp::resolver resolver(context_);
    const auto endpoints = resolver.resolve(place_.host, place_.port, ec);
    if (ec) return failed("cannot find", ec);
    stream_.expires_at(deadline_);
    stream_.async_connect(endpoints, [&](error_code result, const tcp::endpoint&) { ec = result; });
    finish_step();
    if (ec) return failed("cannot connect to", ec);
    stream_.socket().set_option(tcp::no_delay(true), ec);
    return send_and_receive();
  }

 private:
  Result<ClientResponse> send_and_receive() {
    http::request<http::string_body> message(http::verb::unknown, place_.target, 11);
    message.method_string(request_.method);
    message.set(http::field::host, place_.header);
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request_.headers) message.insert(name, value);
    message.body() = request_.body;
    message.prepare_payload();

    // The answer is read even when sending failed: a server that refuses a large body answers before it has all of it.
    error_code write_error;
    http::async_write(stream_, message, [&](error_code result, std::size_t) { write_error = result; });
    finish_step();
    if (write_error == beast::error::timeout) return failed("no answer in time from", write_error);

    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerBytesMax);
    parser.skip(request_.method == "HEAD");
    error_code ec;
    http::async_read(stream_, buffer, parser, [&](error_code result, std::size_t) { ec = result; });
    finish_step();
    if (ec == beast::error::timeout) return failed("no answer in time from", ec);
    if (ec) return failed("lost the connection to", write_error ? write_error : ec);
    return ClientResponse{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
  }

  void finish_step() {
    context_.restart();
    context_.run();
  }

  tl::unexpected<Error> failed(std::string_view what, error_code ec) const {
    return fail(Errc::unavailable, std::string(what) + " " + place_.header + ": " + ec.message());
  }

  const ClientRequest& request_;
  const Place place_;
  const std::chrono::steady_clock::time_point deadline_;
  asio::io_context context_{1};
  beast::tcp_stream stream_{context_};
};

}  // namespace

Result<ClientResponse> fetch(const ClientRequest& request) {
  try {
    auto place = parse_url(request.url);
    if (!place) return tl::unexpected<Error>(std::move(place.error()));
    return Exchange(request, std::move(*place)).run();
  } catch (const std::exception& error) {
    return fail(Errc::unavailable, "the request to " + request.url + " failed: " + error.what());
  }
}

}  // namespace penstock::net
