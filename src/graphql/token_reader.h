#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphql/ast.h"
#include "graphql/lexer.h"

namespace penstock::graphql {

/// What the two parsers share: one token of look-ahead, and the parts of the grammar that documents and schemas have in
/// common. Throws SyntaxError.
class TokenReader {
 public:
  TokenReader(std::string_view text, const Limits& limits) : lexer_(text, limits), limits_(limits) {
    token_ = lexer_.next();
  }

 protected:
  /// One level deeper for as long as it lives.
  class Nesting {
   public:
    explicit Nesting(TokenReader& reader) : reader_(reader) {
      if (++reader_.depth_ > reader_.limits_.depth_max) reader_.too_deep();
    }
    ~Nesting() { --reader_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    TokenReader& reader_;
  };

  const Token& token() const { return token_; }
  const Limits& limits() const { return limits_; }
  Token take();
  bool peek(std::string_view punctuator) const;
  bool peek_name(std::string_view name) const;
  bool skip(std::string_view punctuator);
  void expect(std::string_view punctuator);
  void expect_keyword(std::string_view keyword);
  std::string_view name();
  [[noreturn]] void unexpected() const;
  [[noreturn]] void reserved_enum_value() const;
  [[noreturn]] void too_many(const char* what, std::size_t most) const;
  [[noreturn]] void too_deep() const;

  [[noreturn]] void fail(const std::string& message, Location at) const;

  std::optional<std::string> description();
  TypeNode type();
  ValueNode value(bool constant);
  std::vector<ArgumentNode> arguments(bool constant);
  std::vector<DirectiveNode> directives(bool constant);

 private:
  [[noreturn]] void fail(const std::string& message) const { fail(message, token_.at); }
  ValueNode variable(bool constant);
  ValueNode list(bool constant);
  ValueNode object(bool constant);

  Lexer lexer_;
  const Limits& limits_;
  Token token_;
  std::size_t depth_ = 0;
  std::size_t directives_ = 0;
  int literals_ = 0;  // numbers and strings so far
};

}  // namespace penstock::graphql
