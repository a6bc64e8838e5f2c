#include "graphql/validator.h"

namespace penstock::graphql {

using Kind = ValueNode::Kind;

void Validator::untyped_value(const ValueNode& node) {
  if (node.kind == Kind::variable) uses_->variables.push_back({node.text, node.at, nullptr, false});
  for (const ValueNode& item : node.items) untyped_value(item);
  if (node.kind == Kind::object) unique_input_fields(node);
  for (const ObjectFieldNode& field : node.fields) untyped_value(*field.value);
}

void Validator::value(const Type* type, const ValueNode& node, bool place_has_default) {
  if (node.kind == Kind::variable) {
    uses_->variables.push_back({node.text, node.at, type, place_has_default});
    return;
  }
  if (node.kind == Kind::null) {
    if (type->is_non_null()) refuse("Expected value of type \"" + type->text() + "\", found null.", node.at);
    return;
  }
  const Type* nullable = type->nullable();
  if (nullable->is_list()) {
    if (node.kind != Kind::list) return value(nullable->of, node, false);
    for (const ValueNode& item : node.items) value(nullable->of, item, false);
    return;
  }
  const TypeDef& def = nullable->named();
  if (def.kind == TypeKind::input_object) return object_value(def, node);
  const auto leaf = leaf_from_literal(def, node);
  if (!leaf) refuse(leaf.error(), node.at);
  if (node.kind == Kind::list || node.kind == Kind::object) untyped_value(node);
}

void Validator::object_value(const TypeDef& type, const ValueNode& node) {
  if (node.kind != Kind::object) {
    refuse("Expected value of type \"" + type.name + "\", found " + print(node) + ".", node.at);
    return;
  }
  unique_input_fields(node);
  for (const InputValueDef& def : type.inputs) {
    bool written = false;
    for (const ObjectFieldNode& field : node.fields) written = written || field.name == def.name;
    if (written || !def.required()) continue;
    refuse("Field \"" + type.name + "." + def.name + "\" of required type \"" + def.type->text() + "\" was not provided.", node.at);
  }
  for (const ObjectFieldNode& field : node.fields) {
    if (const InputValueDef* def = type.input(field.name)) {
      value(def->type, *field.value, def->default_value.has_value());
      continue;
    }
    std::vector<std::string_view> names;
    for (const InputValueDef& def : type.inputs) names.push_back(def.name);
    refuse("Field \"" + std::string(field.name) + "\" is not defined by type \"" + type.name + "\"." + did_you_mean(field.name, names), field.at);
    untyped_value(*field.value);
  }
}

void Validator::unique_input_fields(const ValueNode& node) {
  std::map<std::string_view, Location> seen;
  for (const ObjectFieldNode& field : node.fields) {
    const auto [known, fresh] = seen.try_emplace(field.name, field.at);
    if (!fresh) refuse("There can be only one input field named \"" + std::string(field.name) + "\".", {known->second, field.at});
  }
}

}  // namespace penstock::graphql
