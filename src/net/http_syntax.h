#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace penstock::net {

/// The small grammar of HTTP/1.1 that a request is made of (RFC 9110 5.5 and 5.6, RFC 9112 3 and 7). All pure.

struct RequestLine {
  std::string_view method;
  std::string_view target;
  bool http_1_0 = false;
};

/// `line` is without its end. Exactly one space between the parts. Error: which part is bad, in words.
struct BadPart {
  const char* what;
};
std::optional<BadPart> read_request_line(std::string_view line, RequestLine& into);

struct HeaderLine {
  std::string_view name;   // in lower case
  std::string_view value;  // without the white space around it
};

/// `Name: value`. The name becomes lower case where it lies. One that ends with white space and a line that goes on
/// from the one before are bad.
std::optional<BadPart> read_header(std::span<char> line, HeaderLine& into);

/// The size that begins a chunk, with or without extensions after it.
std::optional<std::uint64_t> read_chunk_size(std::string_view line);

/// Whether a method can begin so.
bool begins_method(char c);

/// ASCII letters are the same in both cases. `word` is given in lower case.
bool is_word(std::string_view text, std::string_view word);

/// Whether a list of words with commas has it.
bool lists_word(std::string_view list, std::string_view word);

}  // namespace penstock::net
