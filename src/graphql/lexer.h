#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "graphql/error.h"
#include "graphql/limits.h"

namespace penstock::graphql {

enum class TokenKind { end, punctuator, name, int_value, float_value, string, block_string };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // as written; for a string with its quotes
  std::string value;      // of a string, unescaped
  Location at;
};

/// How an error message names a token: `Name "x"`, `"{"`, `<EOF>`.
std::string describe(const Token& token);

/// Thrown inside the language front end only; parse() turns it into an error value.
struct SyntaxError {
  GraphqlError error;
};

/// Splits a document into tokens, one at a time. The text must outlive the tokens. Text that is no UTF-8 is refused.
class Lexer {
 public:
  Lexer(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  /// Throws SyntaxError.
  Token next();

 private:
  [[noreturn]] void fail(const std::string& message) const;
  void skip_ignored();
  Location here() const;
  void end_line();
  void character(std::string* out);
  Token punctuator(std::size_t length);
  Token name();
  Token number();
  void digits();
  Token string();
  Token block_string();
  void escape(std::string& out);
  std::size_t plain_run() const;
  std::string shown_character() const;

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;  // moved on by the bytes that are no column of their own
  std::size_t tokens_ = 0;
};

/// The value of a block string from its raw lines: common indentation and blank lines at both ends are removed.
std::string block_string_value(std::string_view raw);

}  // namespace penstock::graphql
