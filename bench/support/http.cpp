#include "bench/support/http.h"

#include <fmt/format.h>
#include <strings.h>

#include <charconv>
#include <iterator>

#include "bench/support/measure.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kContentLength = "content-length:";

std::size_t content_length(std::string_view head) {
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos) {
    line += 2;
    if (head.size() - line > kContentLength.size() &&
        strncasecmp(head.data() + line, kContentLength.data(), kContentLength.size()) == 0) {
      std::size_t at = line + kContentLength.size();
      while (at < head.size() && head[at] == ' ') ++at;
      std::size_t length = 0;
      std::from_chars(head.data() + at, head.data() + head.size(), length);
      return length;
    }
    line = head.find("\r\n", line);
  }
  return 0;
}

}  // namespace

std::optional<Message> read_message(std::string_view bytes) {
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  const std::string_view head = bytes.substr(0, head_end);
  const std::size_t length = content_length(head);
  const std::size_t body_at = head_end + 4;
  if (bytes.size() - body_at < length) return std::nullopt;
  return Message{head.substr(0, head.find("\r\n")), bytes.substr(body_at, length), body_at + length};
}

int status_of(const Message& answer) {
  int status = 0;
  const std::size_t space = answer.start_line.find(' ');
  if (space == std::string_view::npos) return 0;
  std::from_chars(answer.start_line.data() + space + 1, answer.start_line.data() + answer.start_line.size(), status);
  return status;
}

void append_request(std::string& out, std::string_view method, std::string_view target, std::string_view authorization,
                    std::string_view body) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\n", method, target, authorization);
  if (method == "POST") fmt::format_to(to, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  out += "\r\n";
  out += body;
}

void append_answer(std::string& out, std::string_view status, std::string_view body) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                 status, body.size());
  out += body;
}

std::string_view text_member(std::string_view json, std::string_view name) {
  std::size_t at = 0;
  while ((at = json.find(name, at)) != std::string_view::npos) {
    const std::size_t after = at + name.size();
    if (at > 0 && json[at - 1] == '"' && json.substr(after, 3) == "\":\"") {
      const std::string_view text = json.substr(after + 3);
      return text.substr(0, text.find('"'));
    }
    at = after;
  }
  return {};
}

int loopback_port(std::string_view url) {
  constexpr std::string_view kPrefix = "http://127.0.0.1:";
  int port = 0;
  if (url.starts_with(kPrefix)) {
    const char* end = url.data() + url.size();
    const auto parsed = std::from_chars(url.data() + kPrefix.size(), end, port);
    if (parsed.ec == std::errc{} && parsed.ptr == end && port > 0 && port < 65'536) return port;
  }
  die(fmt::format("\"{}\" is not accepted: http://127.0.0.1:PORT is", url));
}

}  // namespace penstock::bench
