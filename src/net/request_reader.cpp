#include "net/request_reader.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/number.h"
#include "net/http_syntax.h"
#include "net/spool.h"
#include "net/target.h"

namespace penstock::net {
namespace {

// 32 KiB of headers could be 8000 empty ones, which cost far more memory than they have bytes.
constexpr std::size_t kHeadersMax = 256;
constexpr std::size_t kHeadersUsual = 8;

// A body grows as it arrives: a Content-Length is only a claim.
constexpr std::size_t kBodyReserveMax = 256 * 1024;

constexpr std::size_t kSmallBody = 64 * 1024;  // never refused for the others

}  // namespace

RequestReader::RequestReader(const HttpLimits& limits, const HttpServer::BodyLimit& body_limit, std::size_t* arriving)
    : limits_(limits), ask_limit_(body_limit), arriving_(arriving != nullptr ? *arriving : own_arriving_) {}

RequestReader::~RequestReader() {
  arriving_ -= counted_;
}

Request RequestReader::take() {
  ENSURE(state_ == State::complete);
  return std::move(request_);
}

std::size_t RequestReader::put(std::string_view bytes) {
  std::size_t used = 0;
  while ((state_ == State::head || state_ == State::body) && used < bytes.size()) {
    const std::size_t taken = put_part(bytes.substr(used));
    if (taken == 0) break;
    used += taken;
  }
  return used;
}

/// Takes nothing when more must come first, or when it refuses.
std::size_t RequestReader::put_part(std::string_view bytes) {
  switch (part_) {
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

/// With its end; nothing when that has not come.
std::optional<std::string_view> RequestReader::line_of(std::string_view bytes) {
  const std::size_t end = bytes.find('\n', searched_);
  if (end == std::string_view::npos) {
    searched_ = bytes.size();
    return std::nullopt;
  }
  searched_ = 0;
  return bytes.substr(0, end + 1);
}

std::size_t RequestReader::put_line(std::string_view bytes) {
  const auto line = line_of(bytes);
  const std::size_t size = line ? line->size() : bytes.size();
  if (line_bytes_ + size > limits_.header_bytes_max) {
    refuse_long_lines();
    return 0;
  }
  if (!line) return 0;
  line_bytes_ += size;
  if (line->ends_with("\r\n")) {
    on_line(line->substr(0, size - 2));
  } else {
    refuse_malformed("a line does not end with CR LF");
  }
  return size;
}

void RequestReader::on_line(std::string_view line) {
  if (part_ == Part::request_line) return on_request_line(line);
  if (part_ == Part::headers) return line.empty() ? on_head() : on_header(line);
  if (part_ == Part::chunk_size) return on_chunk_size(line);
  std::pair<std::string, std::string> trailer;  // nobody asked for it
  if (line.empty()) {
    state_ = State::complete;
  } else if (read_header(line, trailer)) {
    refuse_malformed("bad trailer");
  }
}

void RequestReader::on_request_line(std::string_view line) {
  RequestLine parts;
  if (const auto bad = read_request_line(line, parts)) return refuse_malformed(bad->what);
  request_.method = std::string(parts.method);
  request_.target = std::string(parts.target);
  http_1_0_ = parts.http_1_0;
  part_ = Part::headers;
}

void RequestReader::on_header(std::string_view line) {
  if (request_.headers.size() >= kHeadersMax) {
    return refuse(431, "the request has too many headers: at most " + std::to_string(kHeadersMax) + " are accepted");
  }
  if (request_.headers.empty()) request_.headers.reserve(kHeadersUsual);
  auto& header = request_.headers.emplace_back();
  if (const auto bad = read_header(line, header)) return refuse_malformed(bad->what);
  on_known_header(header.first, header.second);
}

void RequestReader::on_known_header(std::string_view name, std::string_view value) {
  if (name == "host") {
    if (std::exchange(has_host_, true)) refuse(400, "the request has more than one Host header");
  } else if (name == "content-length") {
    on_content_length(value);
  } else if (name == "transfer-encoding") {
    on_transfer_encoding(value);
  } else if (name == "connection") {
    closes_ = closes_ || lists_word(value, "close");
    keeps_ = keeps_ || lists_word(value, "keep-alive");
  } else if (name == "expect" && !http_1_0_) {
    if (!is_word(value, "100-continue")) return refuse(417, "the only Expect accepted is \"100-continue\"");
    expects_continue_ = true;
  }
}

void RequestReader::on_content_length(std::string_view value) {
  const auto length = parse_number<std::uint64_t>(value);
  if (!length || content_length_ || chunked_) return refuse_malformed("bad Content-Length");
  content_length_ = length;
}

void RequestReader::on_transfer_encoding(std::string_view value) {
  if (http_1_0_) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
  if (!is_word(value, "chunked")) return refuse(501, "the only Transfer-Encoding accepted is \"chunked\"");
  if (content_length_ || std::exchange(chunked_, true)) refuse_malformed("bad Transfer-Encoding");
}

void RequestReader::on_head() {
  if (!has_host_ && !http_1_0_) return refuse(400, "the request has no Host header");
  auto target = split_target(request_.target);
  if (!target) return refuse_malformed(target.error().message);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  left_ = content_length_.value_or(0);
  if (!chunked_ && left_ == 0) {
    state_ = State::complete;
    return;
  }
  rule_ = ask_limit_ ? ask_limit_(request_) : BodyRule(limits_.body_bytes_max);
  if (left_ > rule_.bytes_max) return refuse_body();
  line_bytes_ = 0;
  request_.body.reserve(std::min<std::uint64_t>(left_, kBodyReserveMax));
  part_ = chunked_ ? Part::chunk_size : Part::sized_body;
  state_ = State::body;
}

void RequestReader::on_chunk_size(std::string_view line) {
  const auto size = read_chunk_size(line);
  if (!size) return refuse_malformed("bad chunk size");
  body_begun_ = true;
  if (*size > rule_.bytes_max - body_bytes_) return refuse_body();
  left_ = *size;
  line_bytes_ = 0;
  part_ = left_ > 0 ? Part::chunk : Part::trailers;
}

std::size_t RequestReader::put_chunk_end(std::string_view bytes) {
  static constexpr std::string_view kEnd = "\r\n";
  if (!kEnd.starts_with(bytes.substr(0, kEnd.size()))) refuse_malformed("a chunk is longer than its size");
  if (bytes.size() < kEnd.size() || state_ == State::refused) return 0;
  part_ = Part::chunk_size;
  return kEnd.size();
}

std::size_t RequestReader::put_body(std::string_view bytes) {
  bytes = bytes.substr(0, left_);
  body_begun_ = true;
  left_ -= bytes.size();
  add(bytes);
  if (left_ > 0 || state_ == State::refused) return bytes.size();
  if (part_ == Part::chunk) {
    part_ = Part::chunk_end;
  } else {
    state_ = State::complete;
  }
  return bytes.size();
}

void RequestReader::add(std::string_view body) {
  body_bytes_ += body.size();
  if (!request_.spooled && rule_.spool && body_bytes_ > rule_.spool_above) spool_from_now_on();
  if (state_ == State::refused) return;
  if (request_.spooled) {
    if (auto written = request_.spooled->append(body); !written) refuse_disk(written.error());
    return;
  }
  arriving_ += body.size();
  counted_ += body.size();
  if (arriving_ > limits_.bodies_bytes_max && body_bytes_ > kSmallBody) return refuse_crowd();
  request_.body.append(body);
}

void RequestReader::spool_from_now_on() {
  auto file = rule_.spool->create(rule_.spool_prefix(request_));
  if (!file) return refuse_disk(file.error());
  request_.spooled = std::move(*file);
  if (auto written = request_.spooled->append(request_.body); !written) return refuse_disk(written.error());
  request_.body = {};
  arriving_ -= std::exchange(counted_, 0);
}

void RequestReader::refuse(int status, std::string message) {
  refusal_ = {status, std::move(message)};
  state_ = State::refused;
}

void RequestReader::refuse_malformed(std::string_view what) {
  refuse(400, "malformed request: " + std::string(what));
}

void RequestReader::refuse_long_lines() {
  if (state_ == State::body) return refuse_malformed("a chunk header or trailer that does not end");
  refuse(431,
         "the request head is too large: at most " + std::to_string(limits_.header_bytes_max) + " bytes are accepted");
}

void RequestReader::refuse_body() {
  if (rule_.on_too_large) rule_.on_too_large(request_, content_length_.value_or(0));
  std::string setting(rule_.setting_name);
  if (!setting.empty()) setting = " (" + setting + ")";
  refuse(413,
         "the request body is too large: at most " + std::to_string(rule_.bytes_max) + " bytes are accepted" + setting);
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
