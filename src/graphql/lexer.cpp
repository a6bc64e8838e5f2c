#include "graphql/lexer.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

namespace penstock::graphql {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}
bool is_scalar_value(std::uint32_t code) {
  return code < 0xD800 || (code >= 0xE000 && code <= 0x10FFFF);
}

struct CodePoint {
  std::uint32_t code = 0;
  std::size_t length = 0;  // in bytes; 0: this is no UTF-8, and `code` is the first byte
};

CodePoint decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {lead, 0};
  std::uint32_t code = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto more = static_cast<unsigned char>(text[i]);
    if ((more & 0xC0) != 0x80) return {lead, 0};
    code = (code << 6) | (more & 0x3Fu);
  }
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || !is_scalar_value(code)) return {lead, 0};
  return {code, length};
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::uint32_t> hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// Exactly four hexadecimal digits at the start of the text.
std::optional<std::uint32_t> four_digits(std::string_view text) {
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto digit = i < text.size() ? hex_digit(text[i]) : std::nullopt;
    if (!digit) return std::nullopt;
    code = code * 16 + *digit;
  }
  return code;
}

/// An escape such as \u00e9 or \u{1F600} at the start of a text.
struct UnicodeEscape {
  std::optional<std::uint32_t> code;  // none: the escape is wrong
  std::size_t size = 0;               // what was read, for the message too
};

UnicodeEscape braced_escape(std::string_view text) {
  std::uint32_t code = 0;
  std::size_t at = 3;
  for (; at < text.size() && at < 11; ++at) {  // at most eight digits, which fit
    const auto digit = hex_digit(text[at]);
    if (!digit) break;
    code = code * 16 + *digit;
  }
  const bool closed = at < text.size() && text[at] == '}';
  const std::size_t size = std::min(at + 1, text.size());
  if (!closed || at == 3 || !is_scalar_value(code)) return {std::nullopt, size};
  return {code, size};
}

UnicodeEscape fixed_escape(std::string_view text) {
  const UnicodeEscape wrong{std::nullopt, std::min<std::size_t>(6, text.size())};
  const auto code = four_digits(text.substr(2));
  if (!code) return wrong;
  if (is_scalar_value(*code)) return {code, 6};
  const bool leads = *code < 0xDC00;
  if (!leads || !text.substr(6).starts_with("\\u")) return wrong;
  const auto trail = four_digits(text.substr(8));
  if (!trail || *trail < 0xDC00 || *trail > 0xDFFF) return wrong;
  return {0x10000 + ((*code - 0xD800) << 10) + (*trail - 0xDC00), 12};
}

/// The characters that the first `units` UTF-16 units of a text are of; what is no UTF-8 becomes U+FFFD.
std::string whole_characters(std::string_view text, std::size_t units) {
  std::string out;
  std::size_t seen = 0;
  for (std::size_t at = 0; seen < units && at < text.size();) {
    const CodePoint found = decode(text.substr(at));
    seen += found.code < 0x10000 ? 1 : 2;
    append_utf8(out, found.length > 0 ? found.code : 0xFFFD);
    at += std::max<std::size_t>(found.length, 1);
  }
  return out;
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end:
      return "<EOF>";
    case TokenKind::punctuator:
      return "\"" + std::string(token.text) + "\"";
    case TokenKind::name:
      return "Name \"" + std::string(token.text) + "\"";
    case TokenKind::int_value:
      return "Int \"" + std::string(token.text) + "\"";
    case TokenKind::float_value:
      return "Float \"" + std::string(token.text) + "\"";
    case TokenKind::string:
      return "String \"" + token.value + "\"";
    case TokenKind::block_string:
      return "BlockString \"" + token.value + "\"";
  }
  return "";
}

void Lexer::fail(const std::string& message) const {
  throw SyntaxError{{"Syntax Error: " + message, {here()}, {}, std::string(kParseFailed)}};
}

Location Lexer::here() const {
  return {line_, static_cast<int>(at_ - line_start_) + 1};
}

void Lexer::end_line() {
  at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
  ++line_;
  line_start_ = at_;
}

/// Takes one character that may be anything but the end of a line.
void Lexer::character(std::string* out) {
  const CodePoint found = decode(text_.substr(at_));
  if (found.length == 0) fail("Invalid character: " + shown_character() + ".");
  if (out) out->append(text_, at_, found.length);
  at_ += found.length;
  line_start_ += found.length - (found.code < 0x10000 ? 1 : 2);
}

void Lexer::skip_ignored() {
  const auto at_line_end = [this] { return text_[at_] == '\n' || text_[at_] == '\r'; };
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (at_line_end()) {
      end_line();
    } else if (c == ' ' || c == '\t' || c == ',') {
      ++at_;
    } else if (c == '#') {
      while (at_ < text_.size() && !at_line_end()) character(nullptr);
    } else if (text_.substr(at_).starts_with(kByteOrderMark)) {
      character(nullptr);
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  skip_ignored();
  if (at_ >= text_.size()) return {TokenKind::end, {}, {}, here()};
  if (++tokens_ > limits_.tokens_max) {
    fail("Document contains more than " + std::to_string(limits_.tokens_max) + " tokens. Parsing aborted.");
  }
  const char c = text_[at_];
  if (is_name_start(c)) return name();
  if (is_digit(c) || c == '-') return number();
  if (c == '"') return text_.substr(at_).starts_with("\"\"\"") ? block_string() : string();
  if (text_.substr(at_).starts_with("...")) return punctuator(3);
  if (std::string_view("!$&()[]{}:=@|").find(c) != std::string_view::npos) return punctuator(1);
  if (c == '\'') fail("Unexpected single quote character ('), did you mean to use a double quote (\")?");
  fail("Unexpected character: " + shown_character() + ".");
}

/// How many characters from here on mean themselves in a string, each one byte and one column.
std::size_t Lexer::plain_run() const {
  const auto is_plain = [](char c) { return c >= ' ' && c != '"' && c != '\\' && c != '\x7F'; };
  std::size_t end = at_;
  while (end < text_.size() && is_plain(text_[end])) ++end;
  return end - at_;
}

std::string Lexer::shown_character() const {
  if (at_ >= text_.size()) return "<EOF>";
  const std::uint32_t code = decode(text_.substr(at_)).code;
  if (code == '"') return "'\"'";
  if (code >= 0x20 && code < 0x7F) return "\"" + std::string(1, static_cast<char>(code)) + "\"";
  char shown[16];
  std::snprintf(shown, sizeof shown, "U+%04X", code);
  return shown;
}

Token Lexer::punctuator(std::size_t length) {
  Token token{TokenKind::punctuator, text_.substr(at_, length), {}, here()};
  at_ += length;
  return token;
}

Token Lexer::name() {
  Token token{TokenKind::name, {}, {}, here()};
  const std::size_t start = at_;
  while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
  token.text = text_.substr(start, at_ - start);
  return token;
}

void Lexer::digits() {
  if (at_ >= text_.size() || !is_digit(text_[at_])) {
    fail("Invalid number, expected digit but got: " + shown_character() + ".");
  }
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
}

Token Lexer::number() {
  Token token{TokenKind::int_value, {}, {}, here()};
  const std::size_t start = at_;
  const auto at_any = [this](std::string_view of) {
    return at_ < text_.size() && of.find(text_[at_]) != std::string_view::npos;
  };
  if (at_any("-")) ++at_;
  if (at_any("0")) {
    ++at_;
    if (at_any("0123456789")) fail("Invalid number, unexpected digit after 0: " + shown_character() + ".");
  } else {
    digits();
  }
  if (at_any(".")) {
    token.kind = TokenKind::float_value;
    ++at_;
    digits();
  }
  if (at_any("eE")) {
    token.kind = TokenKind::float_value;
    ++at_;
    if (at_any("+-")) ++at_;
    digits();
  }
  if (at_any(".") || (at_ < text_.size() && is_name_start(text_[at_]))) {
    fail("Invalid number, expected digit but got: " + shown_character() + ".");
  }
  token.text = text_.substr(start, at_ - start);
  return token;
}

Token Lexer::string() {
  Token token{TokenKind::string, {}, {}, here()};
  const std::size_t start = at_++;
  while (true) {
    if (at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r') fail("Unterminated string.");
    if (text_[at_] == '"') break;
    if (text_[at_] == '\\') {
      escape(token.value);
    } else if (const std::size_t run = plain_run(); run > 0) {
      token.value.append(text_, at_, run);
      at_ += run;
    } else {
      character(&token.value);
    }
  }
  ++at_;
  token.text = text_.substr(start, at_ - start);
  return token;
}

void Lexer::escape(std::string& out) {
  static constexpr std::string_view kFrom = "\"\\/bfnrt";
  static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  const std::string_view rest = text_.substr(at_);
  const auto known = rest.size() > 1 ? kFrom.find(rest[1]) : std::string_view::npos;
  if (known != std::string_view::npos) {
    out += kTo[known];
    at_ += 2;
    return;
  }
  if (!rest.starts_with("\\u")) fail("Invalid character escape sequence: \"" + whole_characters(rest, 2) + "\".");
  const UnicodeEscape found = rest.starts_with("\\u{") ? braced_escape(rest) : fixed_escape(rest);
  if (!found.code) fail("Invalid Unicode escape sequence: \"" + whole_characters(rest, found.size) + "\".");
  append_utf8(out, *found.code);
  at_ += found.size;
}

Token Lexer::block_string() {
  Token token{TokenKind::block_string, {}, {}, here()};
  const std::size_t start = at_;
  at_ += 3;
  std::string raw;
  while (!text_.substr(at_).starts_with("\"\"\"")) {
    if (at_ >= text_.size()) fail("Unterminated string.");
    if (text_.substr(at_).starts_with("\\\"\"\"")) {
      raw += "\"\"\"";
      at_ += 4;
    } else if (text_[at_] == '\n' || text_[at_] == '\r') {
      raw += '\n';
      end_line();
    } else {
      character(&raw);
    }
  }
  at_ += 3;
  token.value = block_string_value(raw);
  token.text = text_.substr(start, at_ - start);
  return token;
}

std::string block_string_value(std::string_view raw) {
  std::vector<std::string_view> lines;
  while (true) {
    const auto end = raw.find('\n');
    lines.push_back(raw.substr(0, end));
    if (end == std::string_view::npos) break;
    raw.remove_prefix(end + 1);
  }
  const auto indent_of = [](std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); };
  std::size_t common = std::string_view::npos;
  std::size_t first = lines.size();
  std::size_t last = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t indent = indent_of(lines[i]);
    if (indent == lines[i].size()) continue;
    first = std::min(first, i);
    last = i;
    if (i > 0) common = std::min(common, indent);
  }
  std::string out;
  for (std::size_t i = first; i <= last && i < lines.size(); ++i) {
    if (i > first) out += '\n';
    out += i == 0 ? lines[i] : lines[i].substr(std::min(common, lines[i].size()));
  }
  return out;
}

}  // namespace penstock::graphql
