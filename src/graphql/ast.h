#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphql/error.h"

namespace penstock::graphql {

// The syntax tree. Names and numbers are parts of the document's text, which must outlive the tree.

struct ValueNode;

struct ObjectFieldNode {
  std::string_view name;
  Location at;
  std::unique_ptr<ValueNode> value;
};

struct ValueNode {
  enum class Kind { variable, int_value, float_value, string, boolean, null, enum_value, list, object };
  Kind kind = Kind::null;
  std::string_view text;  // variable name, number, enum value, true or false
  std::string string;
  bool block = false;
  int literal = -1;  // of numbers and strings: which of those of the document this is
  std::vector<ValueNode> items;
  std::vector<ObjectFieldNode> fields;
  Location at;
};

/// The value as a document would write it: for messages and introspection.
std::string print(const ValueNode& value);
/// A string in double quotes, appended.
void print_string(std::string& out, std::string_view text);

struct TypeNode {
  enum class Kind { named, list, non_null };
  Kind kind = Kind::named;
  std::string_view name;
  std::unique_ptr<TypeNode> of;
  Location at;
};

std::string print(const TypeNode& type);

struct ArgumentNode {
  std::string_view name;
  Location at;
  ValueNode value;
};

struct DirectiveNode {
  std::string_view name;
  Location at;
  std::vector<ArgumentNode> arguments;
};

struct SelectionNode {
  enum class Kind { field, fragment_spread, inline_fragment };
  Kind kind = Kind::field;
  Location at;
  std::string_view alias;  // empty: none
  std::string_view name;   // of the field or the fragment
  Location name_at;
  std::string_view type_condition;  // of an inline fragment; empty: none
  Location condition_at;
  std::vector<ArgumentNode> arguments;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
  Location selections_at;
  bool has_selections = false;

  std::string_view response_key() const { return alias.empty() ? name : alias; }
};

struct VariableNode {
  std::string_view name;
  Location at;
  Location name_at;
  TypeNode type;
  std::optional<ValueNode> default_value;
  std::vector<DirectiveNode> directives;
};

enum class OperationType { query, mutation, subscription };
std::string_view to_text(OperationType type);

struct OperationNode {
  OperationType type = OperationType::query;
  std::string_view name;  // empty: anonymous
  Location at;
  Location name_at;
  std::vector<VariableNode> variables;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
};

struct FragmentNode {
  std::string_view name;
  Location at;
  Location name_at;
  std::string_view type_condition;
  Location condition_at;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
};

// ---- the schema definition language

/// A name where it stands.
struct NameNode {
  std::string_view name;
  Location at;
};

struct InputValueNode {
  std::string description;
  std::string_view name;
  Location at;
  TypeNode type;
  std::optional<ValueNode> default_value;
  std::vector<DirectiveNode> directives;
};

struct FieldDefinitionNode {
  std::string description;
  std::string_view name;
  Location at;
  std::vector<InputValueNode> arguments;
  TypeNode type;
  std::vector<DirectiveNode> directives;
};

struct EnumValueNode {
  std::string description;
  std::string_view name;
  std::vector<DirectiveNode> directives;
};

enum class TypeKind { scalar, object, interface, union_type, enum_type, input_object };

struct TypeDefinitionNode {
  TypeKind kind = TypeKind::object;
  bool extends = false;  // `extend type ...`: adds to the definition of this name
  std::string description;
  std::string_view name;
  Location at;
  std::vector<NameNode> interfaces;
  std::vector<FieldDefinitionNode> fields;
  std::vector<InputValueNode> input_fields;
  std::vector<NameNode> members;  // of a union
  std::vector<EnumValueNode> values;
  std::vector<DirectiveNode> directives;
};

struct DirectiveDefinitionNode {
  std::string description;
  std::string_view name;
  Location at;
  std::vector<InputValueNode> arguments;
  bool repeatable = false;
  std::vector<std::string_view> locations;
};

/// `schema {...}` or `extend schema {...}`.
struct SchemaDefinitionNode {
  std::string description;
  bool extends = false;
  Location at;
  std::vector<DirectiveNode> directives;
  std::vector<std::pair<OperationType, NameNode>> operations;
};

struct SchemaDocument {
  std::vector<SchemaDefinitionNode> schemas;
  std::vector<TypeDefinitionNode> types;
  std::vector<DirectiveDefinitionNode> directives;
  std::vector<NameNode> all;  // every definition in the order of the text; `schema` has an empty name
};

// ---- a request

struct Document {
  std::vector<OperationNode> operations;
  std::vector<FragmentNode> fragments;
  SchemaDocument schema;  // parsed for the message that it does not belong here
};

}  // namespace penstock::graphql
