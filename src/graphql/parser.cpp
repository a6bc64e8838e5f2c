#include "graphql/parser.h"

#include "graphql/schema_parser.h"

namespace penstock::graphql {
namespace {

class DocumentParser : public SchemaParser {
 public:
  using SchemaParser::SchemaParser;

  Document document() {
    Document out;
    do {
      const std::size_t count = out.operations.size() + out.fragments.size() + out.schema.all.size();
      if (count >= limits().definitions_max) too_many("definitions", limits().definitions_max);
      definition(out);
    } while (token().kind != TokenKind::end);
    return out;
  }

 private:
  void definition(Document& out) {
    const Location at = token().at;
    std::optional<std::string> text = description();
    const bool described = text.has_value();
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
    } else if (!read_definition(out.schema, at, text)) {
      if (described && token().kind == TokenKind::name) {
        fail("Unexpected description, only GraphQL definitions support descriptions.", at);
      }
      if (peek_name("extend")) return read_extension(out.schema, at);
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
      if (++spreads_ > limits().spreads_max) too_many("fragment spreads", limits().spreads_max);
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
      if (++aliases_ > limits().aliases_max) too_many("aliases", limits().aliases_max);
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
  std::size_t aliases_ = 0;
  std::size_t spreads_ = 0;
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
