#include "net/request_reader.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "net/http_syntax.h"
#include "net/spool.h"
#include "net/target.h"

namespace penstock::net {
namespace {

// 32 KiB of headers could be 8000 empty ones, which cost far more memory than they have bytes.
constexpr std::size_t kHeadersMax = 256;
constexpr std::size_t kHeadersUsual = 8;
constexpr std::size_t kHeaderBytesUsual = 256;

// A body grows as it arrives: a Content-Length is only a claim.
constexpr std::size_t kBodyReserveMax = 256 * 1024;

constexpr std::size_t kSmallBody = 64 * 1024;  // never refused for the others

}  // namespace

RequestReader::RequestReader(const HttpLimits& limits, const HttpServer::BodyLimit& body_limit, std::size_t* arriving)
    : limits_(limits), ask_limit_(body_limit), arriving_(arriving != nullptr ? *arriving : own_arriving_) {}

RequestReader::~RequestReader() {
  arriving_ -= now_.counted;
}

Request& RequestReader::request() {
  ENSURE(now_.state == State::complete);
  return request_;
}

void RequestReader::reset() {
  arriving_ -= now_.counted;
  now_ = {};
  refusal_ = {};
  request_.clear();
}

std::size_t RequestReader::put(std::string_view bytes) {
  std::size_t used = 0;
  while ((now_.state == State::head || now_.state == State::body) && used < bytes.size()) {
    const std::size_t taken = put_part(bytes.substr(used));
    if (taken == 0) break;
    used += taken;
  }
  return used;
}

/// Takes nothing when more must come first, or when it refuses.
std::size_t RequestReader::put_part(std::string_view bytes) {
  switch (now_.part) {
    case Part::request_line:
      // Said at once: whoever speaks TLS to this port waits for an answer.
      if (begins_method(bytes.front())) return put_line(bytes);
      refuse_malformed("bad method");
      return 0;
    case Part::headers:
    case Part::chunk_size:
    case Part::trailers:
      return put_line(bytes);
    case Part::sized_body:
    case Part::chunk:
      return put_body(bytes);
    case Part::chunk_end:
      break;
  }
  return put_chunk_end(bytes);
}

std::size_t RequestReader::put_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n', now_.searched);
  const bool is_whole = end != std::string_view::npos;
  const std::size_t size = is_whole ? end + 1 : bytes.size();
  if (now_.line_bytes + size > limits_.header_bytes_max) {
    refuse_long_lines();
    return 0;
  }
  now_.searched = is_whole ? 0 : size;
  if (!is_whole) return 0;
  now_.line_bytes += size;
  if (end > 0 && bytes[end - 1] == '\r') {
    on_line(bytes.substr(0, end - 1));
  } else {
    refuse_malformed("a line does not end with CR LF");
  }
  return size;
}

void RequestReader::on_line(std::string_view line) {
  if (now_.part == Part::request_line) return on_request_line(line);
  if (now_.part == Part::headers) return line.empty() ? on_head() : on_header(line);
  if (now_.part == Part::chunk_size) return on_chunk_size(line);
  if (line.empty()) {
    now_.state = State::complete;
    return;
  }
  HeaderLine trailer;  // nobody asked for it
  std::string copy(line);
  if (read_header(copy, trailer)) refuse_malformed("bad trailer");
}

void RequestReader::on_request_line(std::string_view line) {
  RequestLine parts;
  if (const auto bad = read_request_line(line, parts)) return refuse_malformed(bad->what);
  const auto split = split_target(parts.target, request_.path, request_.query);
  if (!split) return refuse_malformed(split.error().message);
  request_.method = parts.method;
  now_.http_1_0 = parts.http_1_0;
  now_.part = Part::headers;
}

void RequestReader::on_header(std::string_view line) {
  if (request_.headers.size() >= kHeadersMax) return refuse_many_headers();
  if (request_.headers.empty()) request_.headers.reserve(kHeadersUsual, kHeaderBytesUsual);
  HeaderLine header;
  if (const auto bad = read_header(request_.headers.copy(line), header)) return refuse_malformed(bad->what);
  request_.headers.add_copied(header.name, header.value);
  on_known_header(header.name, header.value);
}

void RequestReader::on_known_header(std::string_view name, std::string_view value) {
  if (name == "host") {
    if (std::exchange(now_.has_host, true)) refuse(400, "the request has more than one Host header");
  } else if (name == "content-length") {
    on_content_length(value);
  } else if (name == "transfer-encoding") {
    on_transfer_encoding(value);
  } else if (name == "connection") {
    now_.closes = now_.closes || lists_word(value, "close");
    now_.keeps = now_.keeps || lists_word(value, "keep-alive");
  } else if (name == "expect" && !now_.http_1_0) {
    if (!is_word(value, "100-continue")) return refuse(417, "the only Expect accepted is \"100-continue\"");
    now_.expects_continue = true;
  }
}

void RequestReader::on_content_length(std::string_view value) {
  const auto length = parse_number<std::uint64_t>(value);
  if (!length || now_.content_length || now_.chunked) return refuse_malformed("bad Content-Length");
  now_.content_length = length;
}

void RequestReader::on_transfer_encoding(std::string_view value) {
  if (now_.http_1_0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
  if (!is_word(value, "chunked")) return refuse(501, "the only Transfer-Encoding accepted is \"chunked\"");
  if (now_.content_length || std::exchange(now_.chunked, true)) refuse_malformed("bad Transfer-Encoding");
}

void RequestReader::on_head() {
  if (!now_.has_host && !now_.http_1_0) return refuse(400, "the request has no Host header");
  now_.left = now_.content_length.value_or(0);
  if (!now_.chunked && now_.left == 0) {
    now_.state = State::complete;
    return;
  }
  const bool is_small = !now_.chunked && now_.left <= limits_.body_bytes_unasked;
  now_.rule = ask_limit_ && !is_small ? ask_limit_(request_) : BodyRule(limits_.body_bytes_max);
  if (now_.left > now_.rule.bytes_max) return refuse_body();
  now_.line_bytes = 0;
  request_.body.reserve(std::min<std::uint64_t>(now_.left, kBodyReserveMax));
  now_.part = now_.chunked ? Part::chunk_size : Part::sized_body;
  now_.state = State::body;
}

void RequestReader::on_chunk_size(std::string_view line) {
  const auto size = read_chunk_size(line);
  if (!size) return refuse_malformed("bad chunk size");
  now_.body_begun = true;
  if (*size > now_.rule.bytes_max - now_.body_bytes) return refuse_body();
  now_.left = *size;
  now_.line_bytes = 0;
  now_.part = now_.left > 0 ? Part::chunk : Part::trailers;
}

std::size_t RequestReader::put_chunk_end(std::string_view bytes) {
  static constexpr std::string_view kEnd = "\r\n";
  if (!kEnd.starts_with(bytes.substr(0, kEnd.size()))) refuse_malformed("a chunk is longer than its size");
  if (bytes.size() < kEnd.size() || now_.state == State::refused) return 0;
  now_.part = Part::chunk_size;
  return kEnd.size();
}

std::size_t RequestReader::put_body(std::string_view bytes) {
  bytes = bytes.substr(0, now_.left);
  now_.body_begun = true;
  now_.left -= bytes.size();
  add(bytes);
  if (now_.left > 0 || now_.state == State::refused) return bytes.size();
  if (now_.part == Part::chunk) {
    now_.part = Part::chunk_end;
  } else {
    now_.state = State::complete;
  }
  return bytes.size();
}

void RequestReader::add(std::string_view body) {
  now_.body_bytes += body.size();
  if (!request_.spooled && now_.rule.spool && now_.body_bytes > now_.rule.spool_above) spool_from_now_on();
  if (now_.state == State::refused) return;
  if (request_.spooled) {
    if (auto written = request_.spooled->append(body); !written) refuse_disk(written.error());
    return;
  }
  arriving_ += body.size();
  now_.counted += body.size();
  if (arriving_ > limits_.bodies_bytes_max && now_.body_bytes > kSmallBody) return refuse_crowd();
  request_.body.append(body);
}

void RequestReader::spool_from_now_on() {
  auto file = now_.rule.spool->create(now_.rule.spool_prefix(request_));
  if (!file) return refuse_disk(file.error());
  request_.spooled = std::move(*file);
  if (auto written = request_.spooled->append(request_.body); !written) return refuse_disk(written.error());
  give_back(request_.body);
  arriving_ -= std::exchange(now_.counted, 0);
}

void RequestReader::refuse(int status, std::string message) {
  refusal_ = {status, std::move(message)};
  now_.state = State::refused;
}

void RequestReader::refuse_malformed(std::string_view what) {
  refuse(400, "malformed request: " + std::string(what));
}

void RequestReader::refuse_long_lines() {
  if (now_.state == State::body) return refuse_malformed("a chunk header or trailer that does not end");
  refuse(431,
         "the request head is too large: at most " + std::to_string(limits_.header_bytes_max) + " bytes are accepted");
}

void RequestReader::refuse_many_headers() {
  refuse(431, "the request has too many headers: at most " + std::to_string(kHeadersMax) + " are accepted");
}

void RequestReader::refuse_body() {
  if (now_.rule.on_too_large) now_.rule.on_too_large(request_, now_.content_length.value_or(0));
  std::string setting(now_.rule.setting_name);
  if (!setting.empty()) setting = " (" + setting + ")";
  refuse(413, "the request body is too large: at most " + std::to_string(now_.rule.bytes_max) + " bytes are accepted" +
                  setting);
}

void RequestReader::refuse_crowd() {
  refuse(503, "this server receives more large requests at once than it has memory for: at most " +
                  std::to_string(limits_.bodies_bytes_max) +
                  " bytes of them are accepted (server.bodies_mb); try again");
}

void RequestReader::refuse_disk(const Error& error) {
  log::error("a request body finds no place on the disk: {}", error.message);
  refuse(507, "this server has no room on its disk for the request body");
}

}  // namespace penstock::net
