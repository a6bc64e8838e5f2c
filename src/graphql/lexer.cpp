#include "graphql/lexer.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace penstock::graphql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "<EOF>";
    case TokenKind::punctuator: return "\"" + std::string(token.text) + "\"";
    case TokenKind::name: return "Name \"" + std::string(token.text) + "\"";
    case TokenKind::int_value: return "Int \"" + std::string(token.text) + "\"";
    case TokenKind::float_value: return "Float \"" + std::string(token.text) + "\"";
    case TokenKind::string: return "String \"" + token.value + "\"";
    case TokenKind::block_string: return "BlockString \"" + token.value + "\"";
  }
  return "";
}

Lexer::Lexer(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

void Lexer::fail(const std::string& message, Location at) const {
  throw SyntaxError{{"Syntax Error: " + message, {at}, {}, std::string(kParseFailed)}};
}

Location Lexer::here() const { return {line_, static_cast<int>(at_ - line_start_) + 1}; }

void Lexer::skip_ignored() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n' || c == '\r') {
      at_ += c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
      ++line_;
      line_start_ = at_;
    } else if (c == ' ' || c == '\t' || c == ',') {
      ++at_;
    } else if (c == '#') {
      while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  skip_ignored();
  if (++tokens_ > limits_.tokens_max) {
    fail("Document contains more than " + std::to_string(limits_.tokens_max) + " tokens. Parsing aborted.", here());
  }
  if (at_ >= text_.size()) return {TokenKind::end, {}, {}, here()};
  const char c = text_[at_];
  if (is_name_start(c)) {
    Token token{TokenKind::name, {}, {}, here()};
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    token.text = text_.substr(start, at_ - start);
    return token;
  }
  if (is_digit(c) || c == '-') return number();
  if (c == '"') return text_.substr(at_).starts_with("\"\"\"") ? block_string() : string();
  if (text_.substr(at_).starts_with("...")) return punctuator(3);
  if (std::string_view("!$&()[]{}:=@|").find(c) != std::string_view::npos) return punctuator(1);
  if (c == '\'') fail("Unexpected single quote character ('), did you mean to use a double quote (\")?", here());
  fail((c == '.' ? "Unexpected character: " : "Unexpected character: ") + shown_character() + ".", here());
}

std::string Lexer::shown_character() const {
  if (at_ >= text_.size()) return "<EOF>";
  const auto c = static_cast<unsigned char>(text_[at_]);
  if (c == '"') return "'\"'";
  if (c >= 0x20 && c < 0x7F) return "\"" + std::string(1, text_[at_]) + "\"";
  std::uint32_t code = c;
  const int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
  if (more > 0) code = c & (0x3Fu >> more);
  for (int i = 1; i <= more && at_ + static_cast<std::size_t>(i) < text_.size(); ++i) {
    code = (code << 6) | (static_cast<unsigned char>(text_[at_ + static_cast<std::size_t>(i)]) & 0x3F);
  }
  char shown[16];
  std::snprintf(shown, sizeof shown, "U+%04X", code);
  return shown;
}

Token Lexer::punctuator(std::size_t length) {
  Token token{TokenKind::punctuator, text_.substr(at_, length), {}, here()};
  at_ += length;
  return token;
}

Token Lexer::number() {
  Token token{TokenKind::int_value, {}, {}, here()};
  const std::size_t start = at_;
  const auto digits = [this] {
    if (at_ >= text_.size() || !is_digit(text_[at_])) {
      fail("Invalid number, expected digit but got: " + shown_character() + ".", here());
    }
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  };
  if (text_[at_] == '-') ++at_;
  if (at_ < text_.size() && text_[at_] == '0') {
    ++at_;
    if (at_ < text_.size() && is_digit(text_[at_])) {
      fail("Invalid number, unexpected digit after 0: " + shown_character() + ".", here());
    }
  } else {
    digits();
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    token.kind = TokenKind::float_value;
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    token.kind = TokenKind::float_value;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == '.' || is_name_start(text_[at_]))) {
    fail("Invalid number, expected digit but got: " + shown_character() + ".", here());
  }
  token.text = text_.substr(start, at_ - start);
  return token;
}

Token Lexer::string() {
  Token token{TokenKind::string, {}, {}, here()};
  const std::size_t start = at_++;
  while (true) {
    if (at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r') fail("Unterminated string.", here());
    const char c = text_[at_];
    if (c == '"') break;
    if (c == '\\') {
      escape(token.value);
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      fail("Invalid character within String: " + shown_character() + ".", here());
    } else {
      token.value += c;
      ++at_;
    }
  }
  ++at_;
  token.text = text_.substr(start, at_ - start);
  return token;
}

unsigned Lexer::hex_digits(int count, Location at) {
  unsigned code = 0;
  for (int i = 0; i < count; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (is_digit(c)) {
      code = code * 16 + static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      code = code * 16 + static_cast<unsigned>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      code = code * 16 + static_cast<unsigned>(c - 'A' + 10);
    } else {
      fail("Invalid Unicode escape sequence.", at);
    }
  }
  return code;
}

void Lexer::escape(std::string& out) {
  const Location at = here();
  ++at_;
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  static constexpr std::string_view kFrom = "\"\\/bfnrt";
  static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
  if (const auto known = kFrom.find(c); c != '\0' && known != std::string_view::npos) {
    out += kTo[known];
    ++at_;
    return;
  }
  if (c != 'u') {
    const std::string shown = c == '\0' ? "\\" : "\\" + std::string(1, c);
    fail("Invalid character escape sequence: \"" + shown + "\".", at);
  }
  ++at_;
  std::uint32_t code = 0;
  if (at_ < text_.size() && text_[at_] == '{') {
    ++at_;
    int digits = 0;
    while (at_ < text_.size() && text_[at_] != '}' && digits++ < 8) code = code * 16 + hex_digits(1, at);
    if (at_ >= text_.size() || text_[at_] != '}' || digits == 0) fail("Invalid Unicode escape sequence.", at);
    ++at_;
  } else {
    code = hex_digits(4, at);
    const bool leads = code >= 0xD800 && code < 0xDC00;
    if (leads && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const std::uint32_t trail = hex_digits(4, at);
      if (trail < 0xDC00 || trail > 0xDFFF) fail("Invalid Unicode escape sequence.", at);
      code = 0x10000 + ((code - 0xD800) << 10) + (trail - 0xDC00);
    }
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail("Invalid Unicode escape sequence.", at);
  append_utf8(out, code);
}

Token Lexer::block_string() {
  Token token{TokenKind::block_string, {}, {}, here()};
  const std::size_t start = at_;
  at_ += 3;
  std::string raw;
  while (!text_.substr(at_).starts_with("\"\"\"")) {
    if (at_ >= text_.size()) fail("Unterminated string.", here());
    if (text_.substr(at_).starts_with("\\\"\"\"")) {
      raw += "\"\"\"";
      at_ += 4;
      continue;
    }
    const char c = text_[at_++];
    if (c == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
    if (c == '\n' || c == '\r') {
      ++line_;
      line_start_ = at_;
      raw += '\n';
    } else {
      raw += c;
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
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (indent_of(lines[i]) < lines[i].size()) common = std::min(common, indent_of(lines[i]));
  }
  for (std::size_t i = 1; i < lines.size(); ++i) lines[i].remove_prefix(std::min(common, lines[i].size()));
  const auto blank = [&](std::string_view line) { return indent_of(line) == line.size(); };
  while (!lines.empty() && blank(lines.front())) lines.erase(lines.begin());
  while (!lines.empty() && blank(lines.back())) lines.pop_back();
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    out += lines[i];
  }
  return out;
}

}  // namespace penstock::graphql
