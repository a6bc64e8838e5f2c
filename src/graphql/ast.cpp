#include "graphql/ast.h"

#include "json/json.h"

namespace penstock::graphql {

std::string_view to_text(OperationType type) {
  switch (type) {
    case OperationType::query: return "query";
    case OperationType::mutation: return "mutation";
    case OperationType::subscription: return "subscription";
  }
  return "";
}

std::string print(const ValueNode& value) {
  using Kind = ValueNode::Kind;
  std::string out;
  switch (value.kind) {
    case Kind::variable: return "$" + std::string(value.text);
    case Kind::null: return "null";
    case Kind::string: json::write_string(out, value.string); return out;
    case Kind::list:
      for (const ValueNode& item : value.items) out += (out.empty() ? "" : ", ") + print(item);
      return "[" + out + "]";
    case Kind::object:
      for (const ObjectFieldNode& field : value.fields) {
        out += (out.empty() ? "" : ", ") + std::string(field.name) + ": " + print(*field.value);
      }
      return "{" + out + "}";
    default: return std::string(value.text);
  }
}

std::string print(const TypeNode& type) {
  switch (type.kind) {
    case TypeNode::Kind::named: return std::string(type.name);
    case TypeNode::Kind::list: return "[" + print(*type.of) + "]";
    case TypeNode::Kind::non_null: return print(*type.of) + "!";
  }
  return "";
}

}  // namespace penstock::graphql
