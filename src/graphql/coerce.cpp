#include "graphql/coerce.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace penstock::graphql {
namespace {

using Kind = ValueNode::Kind;
using Leaf = tl::expected<Input, std::string>;

tl::unexpected<std::string> refuse(std::string message) { return tl::unexpected<std::string>(std::move(message)); }

bool fits_int(double value) {
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
}

double to_double(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  return value;
}

std::vector<std::string_view> value_names(const TypeDef& type) {
  std::vector<std::string_view> names;
  for (const EnumValueDef& value : type.values) names.push_back(value.name);
  return names;
}

Leaf enum_value(const TypeDef& type, std::string_view text) {
  if (type.has_value(text)) return Input(std::string(text));
  return refuse("Value \"" + std::string(text) + "\" does not exist in \"" + type.name + "\" enum." +
                did_you_mean(text, value_names(type), "the enum value "));
}

Leaf int_from(double value, const std::string& shown) {
  if (!std::isfinite(value) || value != std::floor(value)) {
    return refuse("Int cannot represent non-integer value: " + shown);
  }
  if (!fits_int(value)) return refuse("Int cannot represent non 32-bit signed integer value: " + shown);
  return Input(static_cast<std::int64_t>(value));
}

/// Any literal as a value without a type: what a custom scalar takes.
Input untyped(const ValueNode& node) {
  switch (node.kind) {
    case Kind::int_value:
    case Kind::float_value: return Input(to_double(node.text));
    case Kind::string: return Input(node.string);
    case Kind::boolean: return Input(node.text == "true");
    case Kind::enum_value: return Input(std::string(node.text));
    case Kind::list: {
      std::vector<Input> items;
      for (const ValueNode& item : node.items) items.push_back(untyped(item));
      return Input(std::move(items));
    }
    case Kind::object: {
      InputObject fields;
      for (const auto& field : node.fields) fields.push_back({std::string(field.name), untyped(*field.value), true});
      return Input(std::move(fields));
    }
    default: return Input();
  }
}

Input untyped(const json::Value& value) {
  if (const auto* yes = value.as_bool()) return Input(*yes);
  if (const auto* number = value.as_int()) return Input(*number);
  if (const auto* real = value.as_double()) return Input(*real);
  if (const auto* text = value.as_string()) return Input(*text);
  if (const auto* array = value.as_array()) {
    std::vector<Input> items;
    for (const auto& item : *array) items.push_back(untyped(item));
    return Input(std::move(items));
  }
  if (const auto* object = value.as_object()) {
    InputObject fields;
    for (const auto& [key, item] : *object) fields.push_back({key, untyped(item), true});
    return Input(std::move(fields));
  }
  return Input();
}

/// A JSON value as an error message shows it: objects with spaces and bare keys, and nothing below the second level.
std::string inspect(const json::Value& value, int depth = 0) {
  if (const auto* array = value.as_array()) {
    if (array->empty()) return "[]";
    if (depth > 2) return "[Array]";
    std::string out = "[";
    for (std::size_t i = 0; i < array->size() && i < 10; ++i) out += (i > 0 ? ", " : "") + inspect((*array)[i], depth + 1);
    if (array->size() > 10) out += ", ... " + std::to_string(array->size() - 10) + " more item" + (array->size() == 11 ? "" : "s");
    return out + "]";
  }
  if (const auto* object = value.as_object()) {
    if (object->empty()) return "{}";
    if (depth > 2) return "[Object]";
    std::string out = "{ ";
    for (const auto& [key, item] : *object) out += (out.size() > 2 ? ", " : "") + key + ": " + inspect(item, depth + 1);
    return out + " }";
  }
  return json::write(value);
}

}  // namespace

Leaf leaf_from_literal(const TypeDef& type, const ValueNode& node) {
  const std::string shown = print(node);
  if (type.kind == TypeKind::enum_type) {
    if (node.kind == Kind::enum_value) return enum_value(type, node.text);
    const std::string text = node.kind == Kind::string ? node.string : shown;
    return refuse("Enum \"" + type.name + "\" cannot represent non-enum value: " + shown + "." +
                  did_you_mean(text, value_names(type), "the enum value "));
  }
  if (type.name == "Int") {
    if (node.kind != Kind::int_value) return refuse("Int cannot represent non-integer value: " + shown);
    return int_from(to_double(node.text), shown);
  }
  if (type.name == "Float") {
    const bool number = node.kind == Kind::int_value || node.kind == Kind::float_value;
    if (!number) return refuse("Float cannot represent non numeric value: " + shown);
    return Input(to_double(node.text));
  }
  if (type.name == "String") {
    if (node.kind != Kind::string) return refuse("String cannot represent a non string value: " + shown);
    return Input(node.string);
  }
  if (type.name == "Boolean") {
    if (node.kind != Kind::boolean) return refuse("Boolean cannot represent a non boolean value: " + shown);
    return Input(node.text == "true");
  }
  if (type.name == "ID") {
    if (node.kind == Kind::string) return Input(node.string);
    if (node.kind == Kind::int_value) return Input(std::string(node.text));
    return refuse("ID cannot represent a non-string and non-integer value: " + shown);
  }
  return untyped(node);
}

Leaf leaf_from_json(const TypeDef& type, const json::Value& value) {
  const std::string shown = inspect(value);
  const auto* number = value.as_int();
  const auto* real = value.as_double();
  if (type.kind == TypeKind::enum_type) {
    if (const auto* text = value.as_string()) return enum_value(type, *text);
    return refuse("Enum \"" + type.name + "\" cannot represent non-string value: " + shown + "." +
                  did_you_mean(shown, value_names(type), "the enum value "));
  }
  if (type.name == "Int") {
    if (number) return int_from(static_cast<double>(*number), shown);
    if (real) return int_from(*real, shown);
    return refuse("Int cannot represent non-integer value: " + shown);
  }
  if (type.name == "Float") {
    if (number) return Input(static_cast<double>(*number));
    if (real) return Input(*real);
    return refuse("Float cannot represent non numeric value: " + shown);
  }
  if (type.name == "String") {
    if (const auto* text = value.as_string()) return Input(*text);
    return refuse("String cannot represent a non string value: " + shown);
  }
  if (type.name == "Boolean") {
    if (const auto* yes = value.as_bool()) return Input(*yes);
    return refuse("Boolean cannot represent a non boolean value: " + shown);
  }
  if (type.name == "ID") {
    if (const auto* text = value.as_string()) return Input(*text);
    if (number) return Input(std::to_string(*number));
    return refuse("ID cannot represent value: " + shown);
  }
  return untyped(value);
}

// ---------------------------------------------------------------- literals of a validated document

namespace {

std::optional<Input> object_from_literal(const TypeDef& type, const ValueNode& node, const Variables& variables) {
  if (node.kind != Kind::object) return std::nullopt;
  InputObject out;
  for (const InputValueDef& def : type.inputs) {
    const ObjectFieldNode* written = nullptr;
    for (const auto& field : node.fields) {
      if (field.name == def.name) written = &field;
    }
    const bool no_value = !written || (written->value->kind == Kind::variable && !variables.contains(written->value->text));
    if (no_value) {
      if (def.default_value) {
        out.push_back({def.name, *def.default_value, false});
      } else if (def.type->is_non_null()) {
        return std::nullopt;
      }
      continue;
    }
    auto value = from_literal(*def.type, *written->value, variables);
    if (!value) return std::nullopt;
    out.push_back({def.name, std::move(*value), true});
  }
  return Input(std::move(out));
}

}  // namespace

std::optional<Input> from_literal(const Type& type, const ValueNode& node, const Variables& variables) {
  if (node.kind == Kind::variable) {
    const auto found = variables.find(node.text);
    if (found == variables.end() || (found->second.is_null() && type.is_non_null())) return std::nullopt;
    return found->second;
  }
  if (type.is_non_null()) return node.kind == Kind::null ? std::nullopt : from_literal(*type.of, node, variables);
  if (node.kind == Kind::null) return Input();
  if (type.is_list()) {
    std::vector<Input> items;
    if (node.kind != Kind::list) {
      auto only = from_literal(*type.of, node, variables);
      if (!only) return std::nullopt;
      items.push_back(std::move(*only));
      return Input(std::move(items));
    }
    for (const ValueNode& item : node.items) {
      const bool missing = item.kind == Kind::variable && !variables.contains(item.text);
      auto value = missing && !type.of->is_non_null() ? Input() : from_literal(*type.of, item, variables);
      if (!value) return std::nullopt;
      items.push_back(std::move(*value));
    }
    return Input(std::move(items));
  }
  if (type.def->kind == TypeKind::input_object) return object_from_literal(*type.def, node, variables);
  auto leaf = leaf_from_literal(*type.def, node);
  if (!leaf) return std::nullopt;
  return std::move(*leaf);
}

// ---------------------------------------------------------------- variables

namespace {

/// Reads one variable's JSON; collects what does not fit.
class VariableReader {
 public:
  VariableReader(const VariableNode& node, const Leniency& leniency, std::vector<GraphqlError>& errors)
      : node_(node), leniency_(leniency), errors_(errors) {}

  Input read(const Type& type, const json::Value& value) {
    if (type.is_non_null()) {
      if (!value.is_null()) return read(*type.of, value);
      refuse(value, "Expected non-nullable type \"" + type.text() + "\" not to be null.");
      return Input();
    }
    if (value.is_null()) return Input();
    if (type.is_list()) return list(type, value);
    if (type.def->kind == TypeKind::input_object) return object(*type.def, value);
    auto leaf = leaf_from_json(*type.def, value);
    if (leaf) return std::move(*leaf);
    refuse(value, leaf.error());
    return Input();
  }

 private:
  Input list(const Type& type, const json::Value& value) {
    std::vector<Input> items;
    const auto* array = value.as_array();
    if (!array) {
      items.push_back(read(*type.of, value));
      return Input(std::move(items));
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
      const std::size_t before = path_.size();
      path_ += "[" + std::to_string(i) + "]";
      items.push_back(read(*type.of, (*array)[i]));
      path_.resize(before);
    }
    return Input(std::move(items));
  }

  Input object(const TypeDef& type, const json::Value& value) {
    const auto* given = value.as_object();
    if (!given) {
      refuse(value, "Expected type \"" + type.name + "\" to be an object.");
      return Input();
    }
    InputObject out;
    for (const InputValueDef& def : type.inputs) {
      const json::Value* found = value.find(def.name);
      if (found && absent(def, *found)) found = nullptr;
      if (!found) {
        if (def.default_value) {
          out.push_back({def.name, *def.default_value, false});
        } else if (def.type->is_non_null()) {
          refuse(value, "Field \"" + def.name + "\" of required type \"" + def.type->text() + "\" was not provided.");
        }
        continue;
      }
      const std::size_t before = path_.size();
      path_ += "." + def.name;
      out.push_back({def.name, read(*def.type, *found), true});
      path_.resize(before);
    }
    for (const auto& [key, item] : *given) {
      if (type.input(key)) continue;
      std::vector<std::string_view> names;
      for (const auto& def : type.inputs) names.push_back(def.name);
      refuse(value, "Field \"" + key + "\" is not defined by type \"" + type.name + "\"." + did_you_mean(key, names));
    }
    return Input(std::move(out));
  }

  bool absent(const InputValueDef& def, const json::Value& value) const {
    const std::string* text = value.as_string();
    return leniency_.empty_enum_is_absent && text && text->empty() && def.type->nullable()->kind == Type::Kind::named &&
           def.type->named().kind == TypeKind::enum_type;
  }

  void refuse(const json::Value& value, const std::string& why) {
    std::string message = "Variable \"$" + std::string(node_.name) + "\" got invalid value " + inspect(value);
    if (!path_.empty()) message += " at \"" + std::string(node_.name) + path_ + "\"";
    if (errors_.size() < 50) errors_.push_back({message + "; " + why, {node_.at}, {}, std::string(kBadUserInput)});
  }

  const VariableNode& node_;
  const Leniency& leniency_;
  std::vector<GraphqlError>& errors_;
  std::string path_;
};

}  // namespace

tl::expected<Variables, std::vector<GraphqlError>> read_variables(const std::vector<VariableNode>& nodes,
                                                                  const std::vector<const Type*>& types,
                                                                  const json::Value* given, const Leniency& leniency) {
  Variables out;
  std::vector<GraphqlError> errors;
  const auto refuse = [&](const VariableNode& node, const std::string& message) {
    errors.push_back({"Variable \"$" + std::string(node.name) + "\" of " + message, {node.at}, {}, std::string(kBadUserInput)});
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const VariableNode& node = nodes[i];
    const Type& type = *types[i];
    const json::Value* value = given ? given->find(node.name) : nullptr;
    if (!value) {
      if (node.default_value) {
        if (auto fallback = from_literal(type, *node.default_value, {})) out.emplace(node.name, std::move(*fallback));
      } else if (type.is_non_null()) {
        refuse(node, "required type \"" + type.text() + "\" was not provided.");
      }
    } else if (value->is_null() && type.is_non_null()) {
      refuse(node, "non-null type \"" + type.text() + "\" must not be null.");
    } else {
      out.emplace(node.name, VariableReader(node, leniency, errors).read(type, *value));
    }
  }
  if (!errors.empty()) return tl::unexpected<std::vector<GraphqlError>>(std::move(errors));
  return out;
}

tl::expected<Args, GraphqlError> read_arguments(const std::vector<InputValueDef>& defs,
                                                const std::vector<ArgumentNode>& nodes, Location at,
                                                const Variables& variables) {
  const auto refuse = [](std::string message, Location where) {
    return tl::unexpected<GraphqlError>(GraphqlError{std::move(message), {where}, {}, std::string(kBadUserInput)});
  };
  InputObject out;
  for (const InputValueDef& def : defs) {
    const ArgumentNode* node = nullptr;
    for (const ArgumentNode& candidate : nodes) {
      if (candidate.name == def.name) node = &candidate;
    }
    const std::string quoted = "Argument \"" + def.name + "\" of ";
    const bool unset = node && node->value.kind == Kind::variable && !variables.contains(node->value.text);
    if (!node || unset) {
      if (def.default_value) {
        out.push_back({def.name, *def.default_value, false});
      } else if (def.type->is_non_null()) {
        const std::string why = unset ? "was provided the variable \"$" + std::string(node->value.text) +
                                            "\" which was not provided a runtime value."
                                      : "was not provided.";
        return refuse(quoted + "required type \"" + def.type->text() + "\" " + why, node ? node->value.at : at);
      }
      continue;
    }
    auto value = from_literal(*def.type, node->value, variables);
    if (!value) {
      const auto found = node->value.kind == Kind::variable ? variables.find(node->value.text) : variables.end();
      if (found != variables.end() && found->second.is_null()) {
        return refuse(quoted + "non-null type \"" + def.type->text() + "\" must not be null.", node->value.at);
      }
      return refuse("Argument \"" + def.name + "\" has invalid value " + print(node->value) + ".", node->value.at);
    }
    out.push_back({def.name, std::move(*value), true});
  }
  return Args(std::move(out));
}

}  // namespace penstock::graphql
