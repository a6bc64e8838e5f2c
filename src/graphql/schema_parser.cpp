#include "graphql/schema_parser.h"

#include <algorithm>
#include <iterator>

namespace penstock::graphql {
namespace {

constexpr std::string_view kDirectivePlaces[] = {"QUERY",
                                                 "MUTATION",
                                                 "SUBSCRIPTION",
                                                 "FIELD",
                                                 "FRAGMENT_DEFINITION",
                                                 "FRAGMENT_SPREAD",
                                                 "INLINE_FRAGMENT",
                                                 "VARIABLE_DEFINITION",
                                                 "SCHEMA",
                                                 "SCALAR",
                                                 "OBJECT",
                                                 "FIELD_DEFINITION",
                                                 "ARGUMENT_DEFINITION",
                                                 "INTERFACE",
                                                 "UNION",
                                                 "ENUM",
                                                 "ENUM_VALUE",
                                                 "INPUT_OBJECT",
                                                 "INPUT_FIELD_DEFINITION"};

}  // namespace

SchemaDocument SchemaParser::schema() {
  SchemaDocument out;
  while (token().kind != TokenKind::end) {
    const Location at = token().at;
    std::optional<std::string> text = description();
    if (read_definition(out, at, text)) continue;
    if (!peek_name("extend")) unexpected();
    if (text) fail("Unexpected description, only GraphQL definitions support descriptions.", at);
    read_extension(out, at);
  }
  return out;
}

bool SchemaParser::read_definition(SchemaDocument& out, Location at, std::optional<std::string>& description) {
  NameNode found{{}, at};
  if (peek_name("schema")) {
    out.schemas.push_back(schema_definition(false));
    out.schemas.back().description = std::move(description).value_or("");
  } else if (peek_name("directive")) {
    out.directives.push_back(directive_definition());
    out.directives.back().description = std::move(description).value_or("");
    found.name = out.directives.back().name;
  } else if (const auto kind = type_keyword()) {
    out.types.push_back(type_definition(*kind, false));
    out.types.back().description = std::move(description).value_or("");
    found.name = out.types.back().name;
  } else {
    return false;
  }
  out.all.push_back(found);
  return true;
}

void SchemaParser::read_extension(SchemaDocument& out, Location at) {
  expect_keyword("extend");
  NameNode found{{}, at};
  if (peek_name("schema")) {
    out.schemas.push_back(schema_definition(true));
  } else if (const auto kind = type_keyword()) {
    out.types.push_back(type_definition(*kind, true));
    found.name = out.types.back().name;
  } else {
    unexpected();
  }
  out.all.push_back(found);
}

NameNode SchemaParser::name_node() {
  const Location at = token().at;
  return {name(), at};
}

SchemaDefinitionNode SchemaParser::schema_definition(bool extends) {
  SchemaDefinitionNode out;
  out.extends = extends;
  out.at = token().at;
  expect_keyword("schema");
  out.directives = directives(true);
  const bool braces = peek("{");
  if (extends && !braces && out.directives.empty()) unexpected();
  if (extends && !braces) return out;
  expect("{");
  do {
    OperationType type = OperationType::query;
    if (peek_name("mutation")) {
      type = OperationType::mutation;
    } else if (peek_name("subscription")) {
      type = OperationType::subscription;
    } else if (token().kind == TokenKind::name && !peek_name("query")) {
      unexpected();
    }
    name();
    expect(":");
    out.operations.emplace_back(type, name_node());
  } while (!skip("}"));
  return out;
}

std::optional<TypeKind> SchemaParser::type_keyword() const {
  static constexpr std::pair<std::string_view, TypeKind> kKeywords[] = {
      {"scalar", TypeKind::scalar},    {"type", TypeKind::object},    {"interface", TypeKind::interface},
      {"union", TypeKind::union_type}, {"enum", TypeKind::enum_type}, {"input", TypeKind::input_object}};
  for (const auto& [keyword, kind] : kKeywords) {
    if (peek_name(keyword)) return kind;
  }
  return std::nullopt;
}

TypeDefinitionNode SchemaParser::type_definition(TypeKind kind, bool extends) {
  TypeDefinitionNode out;
  out.kind = kind;
  out.extends = extends;
  out.at = token().at;
  take();
  out.name = name();
  const bool has_interfaces = kind == TypeKind::object || kind == TypeKind::interface;
  if (has_interfaces && peek_name("implements")) interfaces(out);
  out.directives = directives(true);
  bool has_members = false;
  if (kind == TypeKind::union_type) {
    members(out);
    has_members = !out.members.empty();
  } else if (kind != TypeKind::scalar && skip("{")) {
    has_members = true;
    do {
      type_member(out);
    } while (!skip("}"));
  }
  if (extends && !has_members && out.interfaces.empty() && out.directives.empty()) unexpected();
  return out;
}

void SchemaParser::interfaces(TypeDefinitionNode& out) {
  expect_keyword("implements");
  skip("&");
  do {
    out.interfaces.push_back(name_node());
  } while (skip("&"));
}

void SchemaParser::members(TypeDefinitionNode& out) {
  if (!skip("=")) return;
  skip("|");
  do {
    out.members.push_back(name_node());
  } while (skip("|"));
}

void SchemaParser::type_member(TypeDefinitionNode& out) {
  if (out.kind == TypeKind::enum_type) {
    EnumValueNode value;
    value.description = description().value_or("");
    if (peek_name("true") || peek_name("false") || peek_name("null")) reserved_enum_value();
    value.name = name();
    value.directives = directives(true);
    out.values.push_back(std::move(value));
  } else if (out.kind == TypeKind::input_object) {
    out.input_fields.push_back(input_value());
  } else {
    FieldDefinitionNode field;
    field.description = description().value_or("");
    field.at = token().at;
    field.name = name();
    field.arguments = argument_definitions();
    expect(":");
    field.type = type();
    field.directives = directives(true);
    out.fields.push_back(std::move(field));
  }
}

InputValueNode SchemaParser::input_value() {
  InputValueNode out;
  out.description = description().value_or("");
  out.at = token().at;
  out.name = name();
  expect(":");
  out.type = type();
  if (skip("=")) out.default_value = value(true);
  out.directives = directives(true);
  return out;
}

std::vector<InputValueNode> SchemaParser::argument_definitions() {
  std::vector<InputValueNode> out;
  if (!skip("(")) return out;
  do {
    out.push_back(input_value());
  } while (!skip(")"));
  return out;
}

DirectiveDefinitionNode SchemaParser::directive_definition() {
  DirectiveDefinitionNode out;
  expect_keyword("directive");
  expect("@");
  out.at = token().at;
  out.name = name();
  out.arguments = argument_definitions();
  if (peek_name("repeatable")) {
    take();
    out.repeatable = true;
  }
  expect_keyword("on");
  skip("|");
  do {
    if (token().kind == TokenKind::name &&
        std::ranges::find(kDirectivePlaces, token().text) == std::end(kDirectivePlaces)) {
      unexpected();
    }
    out.locations.push_back(name());
  } while (skip("|"));
  return out;
}

}  // namespace penstock::graphql
