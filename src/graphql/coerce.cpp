#include "graphql/coerce.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

namespace penstock::graphql {
namespace {

using Kind = ValueNode::Kind;
using Leaf = tl::expected<Input, std::string>;

tl::unexpected<std::string> refuse(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

bool fits_int(double value) {
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
}

/// The nearest double; an infinity beyond the range.
double to_double(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() ? value : std::strtod(std::string(text).c_str(), nullptr);
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

Leaf int_from(double value, std::string_view shown) {
  if (value != std::floor(value)) return refuse("Int cannot represent non-integer value: " + std::string(shown));
  if (!fits_int(value)) {
    return refuse("Int cannot represent non 32-bit signed integer value: " + std::string(shown));
  }
  return Input(static_cast<std::int64_t>(value));
}

/// Any literal as a value without a type: what a custom scalar takes. Integers of 64 bits stay integers.
Input untyped(const ValueNode& node, const Variables& variables) {
  switch (node.kind) {
    case Kind::int_value: {
      const std::string_view text = variables.text(node);
      std::int64_t value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      return parsed.ec == std::errc() ? Input(value) : Input(to_double(text));
    }
    case Kind::float_value:
      return Input(to_double(variables.text(node)));
    case Kind::variable: {
      const Input* found = variables.find(node.text);
      return found ? *found : Input();
    }
    case Kind::string:
      return Input(variables.string(node));
    case Kind::boolean:
      return Input(node.text == "true");
    case Kind::enum_value:
      return Input(std::string(node.text));
    case Kind::list: {
      std::vector<Input> items;
      for (const ValueNode& item : node.items) items.push_back(untyped(item, variables));
      return Input(std::move(items));
    }
    case Kind::object: {
      InputObject fields;
      for (const auto& field : node.fields) {
        const bool absent = field.value->kind == Kind::variable && !variables.contains(field.value->text);
        if (!absent) fields.push_back({std::string(field.name), untyped(*field.value, variables), true});
      }
      return Input(std::move(fields));
    }
    default:
      return Input();
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

/// As JavaScript writes it, so that 1.0 is 1.
std::string number_text(double value) {
  constexpr double kPlainMax = 1e21;
  if (value != std::floor(value) || std::abs(value) >= kPlainMax) return json::write(json::Value(value));
  return value == 0 ? "0" : fmt::format("{:.0f}", value);
}

constexpr std::size_t kShownBytesMax = 1000;  // of a value in a message

/// Appends a JSON value as an error message shows it: objects with bare keys, and nothing below the second level.
void inspect(std::string& out, const json::Value& value, int depth) {
  if (out.size() > kShownBytesMax) return;
  const auto* array = value.as_array();
  const auto* object = value.as_object();
  if (array && array->empty()) {
    out += "[]";
  } else if (array && depth >= 2) {
    out += "[Array]";
  } else if (array) {
    constexpr std::size_t kItemsMax = 10;
    out += '[';
    for (std::size_t i = 0; i < array->size() && i < kItemsMax; ++i) {
      if (i > 0) out += ", ";
      inspect(out, (*array)[i], depth + 1);
    }
    const std::size_t more = array->size() - std::min(array->size(), kItemsMax);
    if (more > 0) out += ", ... " + std::to_string(more) + " more item" + (more == 1 ? "" : "s");
    out += ']';
  } else if (object && object->empty()) {
    out += "{}";
  } else if (object && depth >= 2) {
    out += "[Object]";
  } else if (object) {
    out += "{ ";
    bool first = true;
    for (const auto& [key, item] : *object) {
      if (out.size() > kShownBytesMax) break;
      if (!first) out += ", ";
      first = false;
      out += key.substr(0, kShownBytesMax) + ": ";
      inspect(out, item, depth + 1);
    }
    out += " }";
  } else if (const auto* text = value.as_string()) {
    json::write_string(out, std::string_view(*text).substr(0, kShownBytesMax));
  } else if (const auto* real = value.as_double()) {
    out += number_text(*real);
  } else {
    out += json::write(value);
  }
}

std::string inspect(const json::Value& value) {
  std::string out;
  inspect(out, value, 0);
  if (out.size() <= kShownBytesMax) return out;
  std::size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;  // no half a character
  return out.substr(0, end) + "...";
}

}  // namespace

ValueNode Variables::own(const ValueNode& node) const {
  const bool has_own = literals_ && node.literal >= 0;
  ValueNode out;
  out.kind = node.kind;
  out.text = has_own ? text(node) : node.text;
  out.string = has_own ? string(node) : node.string;
  out.block = node.block;
  out.at = node.at;
  for (const ValueNode& item : node.items) out.items.push_back(own(item));
  for (const ObjectFieldNode& field : node.fields) {
    out.fields.push_back({field.name, field.at, std::make_unique<ValueNode>(own(*field.value))});
  }
  return out;
}

Leaf leaf_from_literal(const TypeDef& type, const ValueNode& node, const Variables& variables) {
  const auto refuse_as = [&](const char* what) { return refuse(what + print(node)); };
  if (type.kind == TypeKind::enum_type) {
    if (node.kind == Kind::enum_value) return enum_value(type, node.text);
    const std::string shown = print(node);
    return refuse("Enum \"" + type.name + "\" cannot represent non-enum value: " + shown + "." +
                  did_you_mean(shown, value_names(type), "the enum value "));
  }
  switch (type.builtin) {
    case Builtin::int_type:
      if (node.kind != Kind::int_value) return refuse_as("Int cannot represent non-integer value: ");
      return int_from(to_double(variables.text(node)), variables.text(node));
    case Builtin::float_type:
      if (node.kind != Kind::int_value && node.kind != Kind::float_value) {
        return refuse_as("Float cannot represent non numeric value: ");
      }
      return Input(to_double(variables.text(node)));
    case Builtin::string_type:
      if (node.kind != Kind::string) return refuse_as("String cannot represent a non string value: ");
      return Input(variables.string(node));
    case Builtin::boolean_type:
      if (node.kind != Kind::boolean) return refuse_as("Boolean cannot represent a non boolean value: ");
      return Input(node.text == "true");
    case Builtin::id_type:
      if (node.kind == Kind::string) return Input(variables.string(node));
      if (node.kind == Kind::int_value) return Input(std::string(variables.text(node)));
      return refuse_as("ID cannot represent a non-string and non-integer value: ");
    case Builtin::none:
      break;
  }
  Input value = untyped(node, variables);
  return type.read_scalar ? type.read_scalar(std::move(value)) : Leaf(std::move(value));
}

Leaf leaf_from_json(const TypeDef& type, const json::Value& value) {
  const auto refuse_as = [&](const char* what) { return refuse(what + inspect(value)); };
  const auto* number = value.as_int();
  const auto* real = value.as_double();
  const auto* text = value.as_string();
  if (type.kind == TypeKind::enum_type) {
    if (text) return enum_value(type, *text);
    const std::string shown = inspect(value);
    return refuse("Enum \"" + type.name + "\" cannot represent non-string value: " + shown + "." +
                  did_you_mean(shown, value_names(type), "the enum value "));
  }
  switch (type.builtin) {
    case Builtin::int_type:
      if (number) return int_from(static_cast<double>(*number), json::write(value));
      if (real) return int_from(*real, number_text(*real));
      return refuse_as("Int cannot represent non-integer value: ");
    case Builtin::float_type:
      if (number) return Input(static_cast<double>(*number));
      if (real) return Input(*real);
      return refuse_as("Float cannot represent non numeric value: ");
    case Builtin::string_type:
      if (text) return Input(*text);
      return refuse_as("String cannot represent a non string value: ");
    case Builtin::boolean_type:
      if (const auto* yes = value.as_bool()) return Input(*yes);
      return refuse_as("Boolean cannot represent a non boolean value: ");
    case Builtin::id_type:
      if (text) return Input(*text);
      if (number) return Input(std::to_string(*number));
      if (real && *real == std::floor(*real)) return Input(number_text(*real));
      return refuse_as("ID cannot represent value: ");
    case Builtin::none:
      break;
  }
  Input read = untyped(value);
  return type.read_scalar ? type.read_scalar(std::move(read)) : Leaf(std::move(read));
}

// ---------------------------------------------------------------- literals of a validated document

namespace {

std::optional<Input> object_from_literal(const TypeDef& type, const ValueNode& node, const Variables& variables) {
  if (node.kind != Kind::object) return std::nullopt;
  InputObject out;
  out.reserve(type.inputs.size());
  for (const InputValueDef& def : type.inputs) {
    const ObjectFieldNode* written = nullptr;
    for (const auto& field : node.fields) {
      if (field.name == def.name) written = &field;
    }
    const bool no_value =
        !written || (written->value->kind == Kind::variable && !variables.contains(written->value->text));
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
  if (type.one_of && (out.size() != 1 || out.front().value.is_null())) return std::nullopt;
  return Input(std::move(out));
}

}  // namespace

std::optional<Input> from_literal(const Type& type, const ValueNode& node, const Variables& variables) {
  if (node.kind == Kind::variable) {
    const Input* found = variables.find(node.text);
    if (!found || (found->is_null() && type.is_non_null())) return std::nullopt;
    return *found;
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
  auto leaf = leaf_from_literal(*type.def, node, variables);
  if (!leaf) return std::nullopt;
  return std::move(*leaf);
}

namespace {

std::string leaf_literal(const TypeDef& type, const Input& value) {
  if (const auto* yes = value.as_bool()) return *yes ? "true" : "false";
  if (const auto* number = value.as_int()) return std::to_string(*number);
  if (const auto* real = value.as_double()) return number_text(*real);
  const std::string& text = *value.as_string();
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string_view digits = std::string_view(text).substr(text.starts_with('-') ? 1 : 0);
  const bool whole = !digits.empty() && std::ranges::all_of(digits, is_digit) && (digits == "0" || digits[0] != '0');
  if (type.kind == TypeKind::enum_type || (type.builtin == Builtin::id_type && whole)) return text;
  std::string out;
  print_string(out, text);
  return out;
}

}  // namespace

std::string to_literal(const Type& type, const Input& value) {
  if (type.is_non_null()) return to_literal(*type.of, value);
  if (value.is_null()) return "null";
  std::string out;
  if (const auto* items = value.as_list()) {
    const Type& item = type.is_list() ? *type.of : type;  // a custom scalar may hold anything
    for (const Input& one : *items) out += (out.empty() ? "" : ", ") + to_literal(item, one);
    return "[" + out + "]";
  }
  if (const auto* fields = value.as_object()) {
    for (const InputField& field : *fields) {
      const InputValueDef* def = type.named().input(field.name);
      out += (out.empty() ? "" : ", ") + field.name + ": " + to_literal(def ? *def->type : type, field.value);
    }
    return "{" + out + "}";
  }
  return leaf_literal(type.named(), value);
}

// ---------------------------------------------------------------- variables

namespace {

/// Leniency: an empty string where an enum value may be is as good as none.
bool is_absent(const Type& type, const json::Value& value, const Leniency& leniency) {
  const std::string* text = value.as_string();
  const Type& nullable = *type.nullable();
  return leniency.empty_enum_is_absent && text && text->empty() && nullable.kind == Type::Kind::named &&
         nullable.def->kind == TypeKind::enum_type;
}

/// Reads one variable's JSON; collects what does not fit.
class VariableReader {
 public:
  VariableReader(const VariableNode& node, const Leniency& leniency, const Limits& limits,
                 std::vector<GraphqlError>& errors)
      : node_(node), leniency_(leniency), limits_(limits), errors_(errors) {}

  Input read(const Type& type, const json::Value& value) {
    if (full()) return Input();
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
      if (found && is_absent(*def.type, *found, leniency_)) found = nullptr;
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
      if (full()) break;
      if (type.input(key)) continue;
      std::vector<std::string_view> names;
      for (const auto& def : type.inputs) names.push_back(def.name);
      refuse(value, "Field \"" + key + "\" is not defined by type \"" + type.name + "\"." + did_you_mean(key, names));
    }
    if (type.one_of) one_of(type, value, out);
    return Input(std::move(out));
  }

  void one_of(const TypeDef& type, const json::Value& value, const InputObject& fields) {
    if (fields.size() != 1) {
      refuse(value, "Exactly one key must be specified for OneOf type \"" + type.name + "\".");
    } else if (const InputField& only = fields.front(); value.find(only.name)->is_null()) {
      const std::size_t before = path_.size();
      path_ += "." + only.name;
      refuse(json::Value(), "Field \"" + only.name + "\" must be non-null.");
      path_.resize(before);
    }
  }

  bool full() const { return errors_.size() >= limits_.variable_errors_max || bytes_ > limits_.error_bytes_max; }

  void refuse(const json::Value& value, const std::string& why) {
    std::string message = "Variable \"$" + std::string(node_.name) + "\" got invalid value " + inspect(value);
    if (!path_.empty()) message += " at \"" + std::string(node_.name) + path_ + "\"";
    message += "; " + why;
    bytes_ += message.size();
    errors_.push_back({std::move(message), {node_.at}, {}, std::string(kBadUserInput)});
  }

  const VariableNode& node_;
  const Leniency& leniency_;
  const Limits& limits_;
  std::vector<GraphqlError>& errors_;
  std::size_t bytes_ = 0;
  std::string path_;
};

}  // namespace

std::vector<GraphqlError> read_variables(const std::vector<VariableNode>& nodes, const std::vector<const Type*>& types,
                                         const json::Value* given, const Leniency& leniency, const Limits& limits,
                                         Variables& out) {
  std::unordered_map<std::string_view, const json::Value*> values;
  if (given && given->as_object()) {
    for (const auto& [key, value] : *given->as_object()) values.emplace(key, &value);
  }
  std::vector<GraphqlError> errors;
  const auto refuse = [&](const VariableNode& node, const std::string& message) {
    errors.push_back(
        {"Variable \"$" + std::string(node.name) + "\" of " + message, {node.at}, {}, std::string(kBadUserInput)});
  };
  for (std::size_t i = 0; i < nodes.size() && errors.size() < limits.variable_errors_max; ++i) {
    const VariableNode& node = nodes[i];
    const Type& type = *types[i];
    const auto found = values.find(node.name);
    const bool there = found != values.end() && !is_absent(type, *found->second, leniency);
    if (!there) {
      if (node.default_value) {
        // A constant: of `out` it takes the literals only.
        if (auto fallback = from_literal(type, *node.default_value, out)) out.set(node.name, std::move(*fallback));
      } else if (type.is_non_null()) {
        refuse(node, "required type \"" + type.text() + "\" was not provided.");
      }
    } else if (found->second->is_null() && type.is_non_null()) {
      refuse(node, "non-null type \"" + type.text() + "\" must not be null.");
    } else {
      out.set(node.name, VariableReader(node, leniency, limits, errors).read(type, *found->second));
    }
  }
  if (errors.size() >= limits.variable_errors_max) {
    errors.push_back({"Too many errors processing variables, error limit reached. Execution aborted.",
                      {},
                      {},
                      std::string(kBadUserInput)});
  }
  return errors;
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
      const Input* found = node->value.kind == Kind::variable ? variables.find(node->value.text) : nullptr;
      if (found && found->is_null()) {
        return refuse(quoted + "non-null type \"" + def.type->text() + "\" must not be null.", node->value.at);
      }
      return refuse("Argument \"" + def.name + "\" has invalid value " + print(variables.own(node->value)) + ".",
                    node->value.at);
    }
    out.push_back({def.name, std::move(*value), true});
  }
  return Args(std::move(out));
}

}  // namespace penstock::graphql
