#include "graphql/parser.h"

#include <algorithm>
#include <iterator>

#include "graphql/token_reader.h"

namespace penstock::graphql {
namespace {

class DocumentParser : public TokenReader {
 public:
  using TokenReader::TokenReader;

  Document document() {
    Document out;
    do {
      if (out.operations.size() + out.fragments.size() >= limits().definitions_max) {
        too_many("definitions", limits().definitions_max);
      }
      definition(out);
    } while (token().kind != TokenKind::end);
    return out;
  }

 private:
  void definition(Document& out) {
    const Location at = token().at;
    const bool described = description().has_value();
    if (peek("{")) {
      if (described) fail("Unexpected description, descriptions are not supported on shorthand queries.", at);
      OperationNode operation;
      operation.at = at;
      operation.selections = selection_set();
      out.operations.push_back(std::move(operation));
    } else if (peek_name("query") || peek_name("mutation") || peek_name("subscription")) {
      out.operations.push_back(operation(at));
    } else if (peek_name("fragment")) {
      out.fragments.push_back(fragment(at));
    } else {
      if (described && token().kind == TokenKind::name) {
        fail("Unexpected description, only GraphQL definitions support descriptions.", at);
      }
      unexpected();
    }
  }

  OperationNode operation(Location at) {
    OperationNode out;
    out.at = at;
    const std::string_view type = name();
    out.type = type == "query"      ? OperationType::query
               : type == "mutation" ? OperationType::mutation
                                    : OperationType::subscription;
    if (token().kind == TokenKind::name) {
      out.name_at = token().at;
      out.name = name();
    }
    if (skip("(")) {
      do {
        out.variables.push_back(variable_definition());
      } while (!skip(")"));
    }
    out.directives = directives(false);
    out.selections = selection_set();
    return out;
  }

  VariableNode variable_definition() {
    VariableNode out;
    out.at = token().at;
    description();
    expect("$");
    out.name_at = token().at;
    out.name = name();
    expect(":");
    out.type = type();
    if (skip("=")) out.default_value = value(true);
    out.directives = directives(true);
    return out;
  }

  FragmentNode fragment(Location at) {
    FragmentNode out;
    out.at = at;
    expect_keyword("fragment");
    if (peek_name("on")) unexpected();
    out.name_at = token().at;
    out.name = name();
    expect_keyword("on");
    out.condition_at = token().at;
    out.type_condition = name();
    out.directives = directives(false);
    out.selections = selection_set();
    return out;
  }

  std::vector<SelectionNode> selection_set() {
    const Nesting nesting(*this);
    std::vector<SelectionNode> out;
    expect("{");
    do {
      if (++selections_ > limits().selections_max) too_many("selections", limits().selections_max);
      out.push_back(selection());
    } while (!skip("}"));
    return out;
  }

  SelectionNode selection() {
    SelectionNode out;
    out.at = token().at;
    if (!skip("...")) return field(std::move(out));
    if (token().kind == TokenKind::name && !peek_name("on")) {
      out.kind = SelectionNode::Kind::fragment_spread;
      out.name_at = token().at;
      out.name = name();
      out.directives = directives(false);
      return out;
    }
    out.kind = SelectionNode::Kind::inline_fragment;
    if (peek_name("on")) {
      expect_keyword("on");
      out.condition_at = token().at;
      out.type_condition = name();
    }
    out.directives = directives(false);
    out.selections = selection_set();
    out.has_selections = true;
    return out;
  }

  SelectionNode field(SelectionNode out) {
    out.name = name();
    if (skip(":")) {
      out.alias = out.name;
      out.name = name();
    }
    out.arguments = arguments(false);
    out.directives = directives(false);
    if (peek("{")) {
      out.selections_at = token().at;
      out.selections = selection_set();
      out.has_selections = true;
    }
    return out;
  }

  std::size_t selections_ = 0;
};

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

class SchemaParser : public TokenReader {
 public:
  using TokenReader::TokenReader;

  SchemaDocument schema() {
    SchemaDocument out;
    while (token().kind != TokenKind::end) {
      std::string text = description().value_or("");
      if (peek_name("schema")) {
        schema_definition(out);
        out.description = std::move(text);
      } else if (peek_name("directive")) {
        out.directives.push_back(directive_definition());
        out.directives.back().description = std::move(text);
      } else {
        out.types.push_back(type_definition());
        out.types.back().description = std::move(text);
      }
    }
    return out;
  }

 private:
  void schema_definition(SchemaDocument& out) {
    expect_keyword("schema");
    out.has_schema_definition = true;
    directives(true);
    expect("{");
    do {
      if (peek_name("query")) {
        take();
        expect(":");
        out.query = name();
      } else {
        const bool mutation = peek_name("mutation");
        if (token().kind == TokenKind::name && !mutation && !peek_name("subscription")) unexpected();
        name();
        expect(":");
        (mutation ? out.mutation : out.subscription) = name();
      }
    } while (!skip("}"));
  }

  TypeDefinitionNode type_definition() {
    TypeDefinitionNode out;
    out.at = token().at;
    const std::string_view keyword = token().kind == TokenKind::name ? token().text : std::string_view();
    if (keyword == "scalar") {
      out.kind = TypeKind::scalar;
    } else if (keyword == "type") {
      out.kind = TypeKind::object;
    } else if (keyword == "interface") {
      out.kind = TypeKind::interface;
    } else if (keyword == "union") {
      out.kind = TypeKind::union_type;
    } else if (keyword == "enum") {
      out.kind = TypeKind::enum_type;
    } else if (keyword == "input") {
      out.kind = TypeKind::input_object;
    } else {
      unexpected();
    }
    take();
    out.name = name();
    if (peek_name("implements")) interfaces(out);
    out.directives = directives(true);
    if (out.kind == TypeKind::union_type) {
      members(out);
    } else if (skip("{")) {
      do {
        type_member(out);
      } while (!skip("}"));
    }
    return out;
  }

  void interfaces(TypeDefinitionNode& out) {
    expect_keyword("implements");
    skip("&");
    do {
      out.interfaces.push_back(name());
    } while (skip("&"));
  }

  void members(TypeDefinitionNode& out) {
    if (!skip("=")) return;
    skip("|");
    do {
      out.members.push_back(name());
    } while (skip("|"));
  }

  void type_member(TypeDefinitionNode& out) {
    if (out.kind == TypeKind::enum_type) {
      EnumValueNode value;
      value.description = description().value_or("");
      if (peek_name("true") || peek_name("false") || peek_name("null")) reserved_enum_value();
      value.name = name();
      value.directives = directives(true);
      out.values.push_back(std::move(value));
    } else if (out.kind == TypeKind::input_object) {
      out.input_fields.push_back(input_value());
    } else if (out.kind == TypeKind::scalar) {
      unexpected();
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

  InputValueNode input_value() {
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

  std::vector<InputValueNode> argument_definitions() {
    std::vector<InputValueNode> out;
    if (!skip("(")) return out;
    do {
      out.push_back(input_value());
    } while (!skip(")"));
    return out;
  }

  DirectiveDefinitionNode directive_definition() {
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
};

}  // namespace

tl::expected<Document, GraphqlError> parse_document(std::string_view text, const Limits& limits) {
  try {
    return DocumentParser(text, limits).document();
  } catch (SyntaxError& refused) {
    return tl::unexpected<GraphqlError>(std::move(refused.error));
  }
}

tl::expected<SchemaDocument, GraphqlError> parse_schema(std::string_view text, const Limits& limits) {
  try {
    return SchemaParser(text, limits).schema();
  } catch (SyntaxError& refused) {
    return tl::unexpected<GraphqlError>(std::move(refused.error));
  }
}

}  // namespace penstock::graphql
