#include <algorithm>

#include "graphql/validator.h"

namespace penstock::graphql {

using Kind = ValueNode::Kind;

void Validator::untyped_value(const ValueNode& node) {
  if (node.kind == Kind::variable) uses_->variable({node.text, {node.at}});
  for (const ValueNode& item : node.items) untyped_value(item);
  if (node.kind == Kind::object) unique_input_fields(node);
  for (const ObjectFieldNode& field : node.fields) untyped_value(*field.value);
}

void Validator::value(const Type* type, const ValueNode& node, bool place_has_default, const TypeDef* one_of) {
  if (node.kind == Kind::variable) return uses_->variable({node.text, {node.at}, type, place_has_default, one_of});
  if (node.kind == Kind::null) {
    if (type->is_non_null()) refuse("Expected value of type \"" + type->text() + "\", found null.", node.at);
    return;
  }
  if (const Type* nullable = type->nullable(); nullable->is_list() && node.kind == Kind::list) {
    for (const ValueNode& item : node.items) value(nullable->of, item, false);
    return;
  }
  const TypeDef& def = type->named();  // one value may stand for a list of it
  if (def.kind == TypeKind::input_object && node.kind == Kind::object) return object_value(def, node);
  leaf_value(*type, node);
}

void Validator::leaf_value(const Type& type, const ValueNode& node) {
  const TypeDef& def = type.named();
  if (def.kind == TypeKind::input_object) {
    const std::string wanted = node.kind == Kind::list ? def.name : type.text();
    refuse("Expected value of type \"" + wanted + "\", found " + print(node) + ".", node.at);
  } else if (const auto leaf = leaf_from_literal(def, node, {}); !leaf) {
    refuse(leaf.error(), node.at);
  }
  if (node.kind == Kind::list || node.kind == Kind::object) untyped_value(node);
}

void Validator::object_value(const TypeDef& type, const ValueNode& node) {
  unique_input_fields(node);
  for (const InputValueDef& def : type.inputs) {
    bool written = false;
    for (const ObjectFieldNode& field : node.fields) written = written || field.name == def.name;
    if (written || !def.required()) continue;
    refuse(
        "Field \"" + type.name + "." + def.name + "\" of required type \"" + def.type->text() + "\" was not provided.",
        node.at);
  }
  if (type.one_of) one_of_value(type, node);
  for (const ObjectFieldNode& field : node.fields) {
    if (const InputValueDef* def = type.input(field.name)) {
      value(def->type, *field.value, def->default_value.has_value(), type.one_of ? &type : nullptr);
      continue;
    }
    std::vector<std::string_view> names;
    for (const InputValueDef& def : type.inputs) names.push_back(def.name);
    refuse("Field \"" + std::string(field.name) + "\" is not defined by type \"" + type.name + "\"." +
               did_you_mean(field.name, names),
           field.at);
    untyped_value(*field.value);
  }
}

void Validator::one_of_value(const TypeDef& type, const ValueNode& node) {
  const auto same = [&](const ObjectFieldNode& field) { return field.name == node.fields.front().name; };
  if (node.fields.empty() || !std::ranges::all_of(node.fields, same)) {
    refuse("OneOf Input Object \"" + type.name + "\" must specify exactly one key.", node.at);
  } else if (node.fields.back().value->kind == Kind::null) {
    const std::string name(node.fields.back().name);
    refuse("Field \"" + type.name + "." + name + "\" must be non-null.", node.at);
  }
}

void Validator::unique_input_fields(const ValueNode& node) {
  std::map<std::string_view, Location> seen;
  for (const ObjectFieldNode& field : node.fields) {
    const auto [known, fresh] = seen.try_emplace(field.name, field.at);
    if (!fresh)
      refuse("There can be only one input field named \"" + std::string(field.name) + "\".", {known->second, field.at});
  }
}

}  // namespace penstock::graphql
