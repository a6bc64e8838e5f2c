#include "graphql/token_reader.h"

namespace penstock::graphql {

void TokenReader::fail(const std::string& message, Location at) const {
  throw SyntaxError{{"Syntax Error: " + message, {at}, {}, std::string(kParseFailed)}};
}

void TokenReader::unexpected() const {
  fail("Unexpected " + describe(token_) + ".");
}

void TokenReader::reserved_enum_value() const {
  fail("Name \"" + std::string(token_.text) + "\" is reserved and cannot be used for an enum value.");
}

void TokenReader::too_many(const char* what, std::size_t most) const {
  fail("Document contains more than " + std::to_string(most) + " " + what + ". Parsing aborted.");
}

void TokenReader::too_deep() const {
  fail("Document is nested deeper than " + std::to_string(limits_.depth_max) + " levels. Parsing aborted.");
}

Token TokenReader::take() {
  Token taken = std::move(token_);
  token_ = lexer_.next();
  return taken;
}

bool TokenReader::peek(std::string_view punctuator) const {
  return token_.kind == TokenKind::punctuator && token_.text == punctuator;
}

bool TokenReader::peek_name(std::string_view name) const {
  return token_.kind == TokenKind::name && token_.text == name;
}

bool TokenReader::skip(std::string_view punctuator) {
  if (!peek(punctuator)) return false;
  take();
  return true;
}

void TokenReader::expect(std::string_view punctuator) {
  if (!skip(punctuator)) fail("Expected \"" + std::string(punctuator) + "\", found " + describe(token_) + ".");
}

void TokenReader::expect_keyword(std::string_view keyword) {
  if (!peek_name(keyword)) fail("Expected \"" + std::string(keyword) + "\", found " + describe(token_) + ".");
  take();
}

std::string_view TokenReader::name() {
  if (token_.kind != TokenKind::name) fail("Expected Name, found " + describe(token_) + ".");
  return take().text;
}

std::optional<std::string> TokenReader::description() {
  if (token_.kind != TokenKind::string && token_.kind != TokenKind::block_string) return std::nullopt;
  ++literals_;
  return take().value;
}

TypeNode TokenReader::type() {
  const Nesting nesting(*this);
  TypeNode out;
  out.at = token_.at;
  if (skip("[")) {
    out.kind = TypeNode::Kind::list;
    out.of = std::make_unique<TypeNode>(type());
    expect("]");
  } else {
    out.name = name();
  }
  if (!skip("!")) return out;
  TypeNode outer;
  outer.kind = TypeNode::Kind::non_null;
  outer.at = out.at;
  outer.of = std::make_unique<TypeNode>(std::move(out));
  return outer;
}

ValueNode TokenReader::value(bool constant) {
  using Kind = ValueNode::Kind;
  if (peek("[")) return list(constant);
  if (peek("{")) return object(constant);
  if (peek("$")) return variable(constant);
  if (token_.kind == TokenKind::end || token_.kind == TokenKind::punctuator) unexpected();
  ValueNode out;
  out.at = token_.at;
  Token token = take();
  out.text = token.text;
  switch (token.kind) {
    case TokenKind::int_value:
      out.kind = Kind::int_value;
      out.literal = literals_++;
      break;
    case TokenKind::float_value:
      out.kind = Kind::float_value;
      out.literal = literals_++;
      break;
    case TokenKind::string:
    case TokenKind::block_string:
      out.kind = Kind::string;
      out.block = token.kind == TokenKind::block_string;
      out.string = std::move(token.value);
      out.literal = literals_++;
      break;
    default:
      out.kind = token.text == "null"                            ? Kind::null
                 : token.text == "true" || token.text == "false" ? Kind::boolean
                                                                 : Kind::enum_value;
  }
  return out;
}

ValueNode TokenReader::variable(bool constant) {
  ValueNode out;
  out.kind = ValueNode::Kind::variable;
  out.at = token_.at;
  expect("$");
  if (constant) {
    if (token_.kind != TokenKind::name) fail("Unexpected \"$\".", out.at);
    fail("Unexpected variable \"$" + std::string(token_.text) + "\" in constant value.", out.at);
  }
  out.text = name();
  return out;
}

ValueNode TokenReader::list(bool constant) {
  const Nesting nesting(*this);
  ValueNode out;
  out.kind = ValueNode::Kind::list;
  out.at = token_.at;
  expect("[");
  while (!skip("]")) out.items.push_back(value(constant));
  return out;
}

ValueNode TokenReader::object(bool constant) {
  const Nesting nesting(*this);
  ValueNode out;
  out.kind = ValueNode::Kind::object;
  out.at = token_.at;
  expect("{");
  while (!skip("}")) {
    ObjectFieldNode field;
    field.at = token_.at;
    field.name = name();
    expect(":");
    field.value = std::make_unique<ValueNode>(value(constant));
    out.fields.push_back(std::move(field));
  }
  return out;
}

std::vector<ArgumentNode> TokenReader::arguments(bool constant) {
  std::vector<ArgumentNode> out;
  if (!skip("(")) return out;
  do {
    ArgumentNode argument;
    argument.at = token_.at;
    argument.name = name();
    expect(":");
    argument.value = value(constant);
    out.push_back(std::move(argument));
  } while (!skip(")"));
  return out;
}

std::vector<DirectiveNode> TokenReader::directives(bool constant) {
  std::vector<DirectiveNode> out;
  while (peek("@")) {
    if (++directives_ > limits_.directives_max) too_many("directives", limits_.directives_max);
    DirectiveNode directive;
    directive.at = token_.at;
    take();
    directive.name = name();
    directive.arguments = arguments(constant);
    out.push_back(std::move(directive));
  }
  return out;
}

}  // namespace penstock::graphql
