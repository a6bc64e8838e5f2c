#include "net/http_syntax.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/number.h"
#include "base/text.h"

namespace penstock::net {
namespace {

constexpr std::array<char, 256> make_token_characters() {
  std::array<char, 256> lower{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
    lower[static_cast<unsigned char>(c)] = c;
  }
  for (char c = 'A'; c <= 'Z'; ++c) lower[static_cast<unsigned char>(c)] = static_cast<char>(c + ('a' - 'A'));
  return lower;
}

/// What a token may have, in lower case; 0: it may not.
constexpr std::array<char, 256> kToken = make_token_characters();

char token_character(char c) {
  return kToken[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return token_character(c) != 0; });
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// Not 0 when one of eight characters is a control character, each a byte of the number.
std::uint64_t control_bits(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = kOnes << 7;
  const std::uint64_t below_space = (eight - kOnes * 0x20) & ~eight;
  const std::uint64_t without_delete = eight ^ (kOnes * 0x7f);
  return (below_space | ((without_delete - kOnes) & ~without_delete)) & kHighBits;
}

bool has_control(std::string_view text) {
  constexpr std::size_t kStep = sizeof(std::uint64_t);
  if (text.size() < kStep) return std::ranges::any_of(text, is_control);
  const auto eight_at = [&](std::size_t at) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, kStep);
    return eight;
  };
  std::uint64_t found = control_bits(eight_at(text.size() - kStep));
  for (std::size_t at = 0; at + kStep < text.size(); at += kStep) found |= control_bits(eight_at(at));
  return found != 0;
}

bool is_text(std::string_view text) {
  return !has_control(text) || std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace

std::optional<BadPart> read_request_line(std::string_view line, RequestLine& into) {
  const std::size_t method_end = std::min(line.find(' '), line.size());
  into.method = line.substr(0, method_end);
  if (!is_token(into.method) || method_end == line.size()) return BadPart{"bad method"};
  line.remove_prefix(method_end + 1);
  const std::size_t target_end = std::min(line.find(' '), line.size());
  into.target = line.substr(0, target_end);
  if (into.target.empty() || has_control(into.target)) return BadPart{"bad target"};
  const std::string_view version = line.substr(std::min(target_end + 1, line.size()));
  into.http_1_0 = version == "HTTP/1.0";
  if (!into.http_1_0 && version != "HTTP/1.1") return BadPart{"the version is neither HTTP/1.1 nor HTTP/1.0"};
  return std::nullopt;
}

std::optional<BadPart> read_header(std::span<char> line, HeaderLine& into) {
  std::size_t colon = 0;
  for (char lower = 0; colon < line.size() && (lower = token_character(line[colon])) != 0; ++colon) line[colon] = lower;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return BadPart{"bad header name"};
  into.name = {line.data(), colon};
  const std::string_view text(line.data() + colon + 1, line.size() - colon - 1);
  if (!is_text(text)) return BadPart{"bad header value"};
  into.value = trim(text);
  return std::nullopt;
}

std::optional<std::uint64_t> read_chunk_size(std::string_view line) {
  const std::size_t end = std::min(line.find(';'), line.size());
  if (!is_text(line.substr(end))) return std::nullopt;
  return parse_number<std::uint64_t>(line.substr(0, end), 16);
}

bool begins_method(char c) {
  return token_character(c) != 0;
}

bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char c, char want) { return token_character(c) == want; });
}

bool lists_word(std::string_view list, std::string_view word) {
  while (true) {
    const std::size_t end = list.find(',');
    if (is_word(trim(list.substr(0, end)), word)) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
}

}  // namespace penstock::net
