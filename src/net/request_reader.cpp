#include "net/request_reader.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "base/log.h"
#include "net/spool.h"
#include "net/target.h"

namespace penstock::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using boost::beast::string_view;
using boost::system::error_code;

// 32 KiB of headers could be 8000 empty ones, which cost far more memory than they have bytes.
constexpr std::size_t kHeadersMax = 256;

// A body grows as it arrives: a Content-Length is only a claim.
constexpr std::size_t kBodyReserveMax = 256 * 1024;

// The shortest chunked body, "0\r\n\r\n". Beast asserts that it has as much when it reads the first chunk's header
// again.
constexpr std::size_t kChunkedBytesMin = 5;
constexpr std::size_t kSmallBody = 64 * 1024;  // never refused for the others

std::string_view view(string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

/// Beast's parser, which calls back for each part; the parts go straight into the request.
class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser(const HttpLimits& limits, const HttpServer::BodyLimit& body_limit, std::size_t* arriving)
      : limits_(limits), ask_limit_(body_limit), arriving_(arriving != nullptr ? *arriving : own_) {
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.header_bytes_max, UINT32_MAX)));
    this->body_limit(boost::none);  // asked for in on_header_impl, when the request is known
  }

  ~Parser() { arriving_ -= counted_; }

  Request request;
  Refusal refusal;
  bool expects_continue = false;
  bool http_1_0 = false;
  bool chunk_seen = false;
  std::size_t body_bytes = 0;

  void refuse(int status, std::string message) { refusal = {status, std::move(message)}; }

 private:
  void refuse(int status, std::string message, error_code& ec) {
    refuse(status, std::move(message));
    ec = http::error::bad_value;
  }

  void refuse_body(error_code& ec) {
    if (rule_.on_too_large) rule_.on_too_large(content_length().value_or(0));
    std::string setting(rule_.setting_name);
    if (!setting.empty()) setting = " (" + setting + ")";
    refuse(
        413,
        "the request body is too large: at most " + std::to_string(rule_.bytes_max) + " bytes are accepted" + setting,
        ec);
  }

  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code&) override {
    request.method = view(method);
    request.target = view(target);
    http_1_0 = version == 10;
  }

  void on_field_impl(http::field field, string_view name, string_view value, error_code& ec) override {
    if (is_header_done()) return;  // a trailer: nobody asked for it
    if (request.headers.size() >= kHeadersMax) {
      return refuse(431, "the request has too many headers: at most " + std::to_string(kHeadersMax) + " are accepted",
                    ec);
    }
    if (field == http::field::host && ++hosts_ > 1) return refuse(400, "the request has more than one Host header", ec);
    if (field == http::field::transfer_encoding) {
      if (http_1_0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding", ec);
      if (!iequals(value, "chunked")) return refuse(501, "the only Transfer-Encoding accepted is \"chunked\"", ec);
    }
    if (field == http::field::expect && !http_1_0) {
      if (!iequals(value, "100-continue")) return refuse(417, "the only Expect accepted is \"100-continue\"", ec);
      expects_continue = true;
    }
    auto& [key, text] = request.headers.emplace_back(view(name), view(value));
    for (char& c : key) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
  }

  void on_header_impl(error_code& ec) override {
    if (hosts_ == 0 && !http_1_0) return refuse(400, "the request has no Host header", ec);
    auto target = split_target(request.target);
    if (!target) return refuse(400, "malformed request: " + target.error().message, ec);
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    rule_ = ask_limit_ ? ask_limit_(request) : BodyRule(limits_.body_bytes_max);
    if (content_length().value_or(0) > rule_.bytes_max) refuse_body(ec);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) request.body.reserve(std::min<std::uint64_t>(*length, kBodyReserveMax));
  }

  std::size_t on_body_impl(string_view body, error_code& ec) override {
    body_bytes += body.size();
    if (!request.spooled && rule_.spool && body_bytes > rule_.spool_above) spool_from_now_on(ec);
    if (!request.spooled) {
      arriving_ += body.size();
      counted_ += body.size();
      if (arriving_ > limits_.bodies_bytes_max && body_bytes > kSmallBody) refuse_crowd(ec);
      request.body.append(body.data(), body.size());
    } else if (auto written = request.spooled->append(view(body)); !written) {
      refuse_disk(written.error(), ec);
    }
    return body.size();
  }

  void spool_from_now_on(error_code& ec) {
    auto file = rule_.spool->create(rule_.spool_prefix);
    if (!file) return refuse_disk(file.error(), ec);
    request.spooled = std::move(*file);
    if (auto written = request.spooled->append(request.body); !written) refuse_disk(written.error(), ec);
    request.body = {};
    arriving_ -= std::exchange(counted_, 0);
  }

  void refuse_crowd(error_code& ec) {
    refuse(503,
           "this server receives more large requests at once than it has memory for: at most " +
               std::to_string(limits_.bodies_bytes_max) + " bytes of them are accepted (server.bodies_mb); try again",
           ec);
  }

  void refuse_disk(const Error& error, error_code& ec) {
    log::error("a request body finds no place on the disk: {}", error.message);
    refuse(507, "this server has no room on its disk for the request body", ec);
  }

  void on_chunk_header_impl(std::uint64_t size, string_view, error_code& ec) override {
    chunk_seen = true;
    if (size > rule_.bytes_max - body_bytes) refuse_body(ec);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override {
    return on_body_impl(body, ec);
  }

  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {}

  const HttpLimits& limits_;
  const HttpServer::BodyLimit& ask_limit_;
  std::size_t own_ = 0;
  std::size_t& arriving_;
  std::size_t counted_ = 0;  // of this body
  BodyRule rule_{0};
  int hosts_ = 0;
};

RequestReader::RequestReader(const HttpLimits& limits, const HttpServer::BodyLimit& body_limit, std::size_t* arriving)
    : limits_(limits), parser_(std::make_unique<Parser>(limits, body_limit, arriving)) {}

RequestReader::~RequestReader() = default;

void RequestReader::refuse(int status, std::string message) {
  parser_->refuse(status, std::move(message));
  state_ = State::refused;
}

std::size_t RequestReader::put(std::string_view bytes) {
  std::size_t used = 0;
  while ((state_ == State::head || state_ == State::body) && used < bytes.size()) {
    const bool first_chunk = state_ == State::body && parser_->chunked() && !parser_->chunk_seen;
    if (first_chunk && bytes.size() - used < kChunkedBytesMin) break;
    error_code ec;
    const std::size_t taken = parser_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
    used += taken;
    const std::size_t left = bytes.size() - used;
    const bool more = ec == http::error::need_more;
    if (state_ == State::head) {
      // Beast counts the head anew with every call, so the sum is kept here.
      head_bytes_ += taken;
      const bool too_long = head_bytes_ + (more ? left : 0) > limits_.header_bytes_max;
      if (too_long || ec == http::error::header_limit) {
        refuse(431, "the request head is too large: at most " + std::to_string(limits_.header_bytes_max) +
                        " bytes are accepted");
        break;
      }
    } else if (more && left > limits_.header_bytes_max) {
      refuse(400, "malformed request: a chunk header or trailer that does not end");
      break;
    }
    if (more) break;
    if (ec) {
      if (parser_->refusal.message.empty()) parser_->refuse(400, "malformed request: " + ec.message());
      state_ = State::refused;
    } else if (parser_->is_done()) {
      state_ = State::complete;
    } else if (parser_->is_header_done()) {
      state_ = State::body;
    }
  }
  return used;
}

const RequestReader::Refusal& RequestReader::refusal() const {
  return parser_->refusal;
}

Request RequestReader::take() {
  ENSURE(state_ == State::complete);
  return std::move(parser_->request);
}

bool RequestReader::keep_alive() const {
  return parser_->keep_alive();
}
bool RequestReader::http_1_0() const {
  return parser_->http_1_0;
}
bool RequestReader::expects_continue() const {
  return parser_->expects_continue && parser_->body_bytes == 0 && !parser_->chunk_seen;
}
std::size_t RequestReader::spooled_bytes() const {
  return parser_->request.spooled ? parser_->body_bytes : 0;
}

}  // namespace penstock::net
