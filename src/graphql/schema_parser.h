#pragma once

#include <optional>
#include <string>

#include "graphql/token_reader.h"

namespace penstock::graphql {

/// Reads definitions and extensions of types, directives and the schema. Throws SyntaxError.
class SchemaParser : public TokenReader {
 public:
  using TokenReader::TokenReader;

  SchemaDocument schema();

 protected:
  /// The definition whose keyword comes next; `at` is where it begins, with its description. False: it is none.
  bool read_definition(SchemaDocument& out, Location at, std::optional<std::string>& description);
  /// What begins with `extend`.
  void read_extension(SchemaDocument& out, Location at);

 private:
  NameNode name_node();
  SchemaDefinitionNode schema_definition(bool extends);
  std::optional<TypeKind> type_keyword() const;
  TypeDefinitionNode type_definition(TypeKind kind, bool extends);
  void interfaces(TypeDefinitionNode& out);
  void members(TypeDefinitionNode& out);
  void type_member(TypeDefinitionNode& out);
  InputValueNode input_value();
  std::vector<InputValueNode> argument_definitions();
  DirectiveDefinitionNode directive_definition();
};

}  // namespace penstock::graphql
