#include "graphql/request.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "graphql/introspection.h"
#include "graphql/parser.h"
#include "graphql/validate.h"

namespace penstock::graphql {
namespace {

/// The fields of one response key, merged.
struct MergedField {
  const TypeDef* parent = nullptr;
  std::string_view key;
  std::vector<const SelectionNode*> nodes;
};

/// What is selected on one object.
struct Selected {
  std::vector<MergedField> fields;
  std::unordered_map<std::string_view, std::size_t> index;
  std::set<std::string_view> visited;  // fragments
};

}  // namespace

struct Request::Impl {
  // ---- what was asked
  const Schema& schema;
  Limits limits;
  std::string text;  // the tree points into it
  Document document;
  std::unordered_map<std::string_view, const FragmentNode*> fragments;
  const OperationNode* operation = nullptr;
  TypePool types;
  Variables variables;

  // ---- where the answer stands
  std::vector<MergedField> roots;
  std::size_t next = 0;
  RootField current;
  std::map<std::pair<const SelectionNode*, const FieldDef*>, tl::expected<Args, GraphqlError>> known_args;
  bool waiting = false;
  bool data_is_null = false;
  bool large = false;  // once reached, a bound stays reached while the text shrinks to nulls
  std::size_t resolved = 0;
  std::string data = "{";
  std::vector<GraphqlError> errors;
  std::vector<PathStep> path;

  explicit Impl(const Schema& s) : schema(s) {}

  std::optional<bool> included(const SelectionNode& node);
  bool collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, Selected& out);
  bool applies(std::string_view condition, const TypeDef& type) const;
  const Args* arguments(const FieldDef& def, const MergedField& field);
  void refuse(std::string message, std::string code, std::vector<Location> at);
  void refuse(std::string message, std::string code, const MergedField& field);
  bool write_field(const FieldDef& def, const MergedField& field, const Value& value);
  bool write_refused(const FieldDef& def, const MergedField& field);
  bool write_present(const Type& type, const MergedField& field, const Value& value);
  bool write(const Type& type, const MergedField& field, const Value& value);
  bool write_non_null(const Type& type, const MergedField& field, const Value& value);
  bool write_list(const Type& type, const MergedField& field, const ListValue& items);
  bool write_leaf(const TypeDef& type, const MergedField& field, const Value& value);
  bool write_object(const ObjectValue& object, const MergedField& field);
  bool resolve_into(const TypeDef& type, const void* object, const MergedField& field);
  void put_key(std::string_view key);
  bool too_large() {
    large = large || resolved > limits.resolved_max || data.size() > limits.answer_bytes_max;
    return large;
  }
  const FieldDef& root_def(const MergedField& field) const {
    return *schema.field(*schema.root(operation->type), field.nodes.front()->name);
  }
};

// ---------------------------------------------------------------- which fields

/// Nothing when a directive has no value to go by; there is an error for it then.
std::optional<bool> Request::Impl::included(const SelectionNode& node) {
  for (const DirectiveNode& directive : node.directives) {
    if (directive.name != "skip" && directive.name != "include") continue;
    const auto args =
        read_arguments(schema.directive(directive.name)->args, directive.arguments, directive.at, variables);
    if (!args) {
      refuse(args.error().message, args.error().code, args.error().locations);
      return std::nullopt;
    }
    const bool condition = *args->find("if")->as_bool();
    if (condition == (directive.name == "skip")) return false;
  }
  return true;
}

bool Request::Impl::applies(std::string_view condition, const TypeDef& type) const {
  return condition.empty() || schema.type(condition)->can_be(type);
}

/// False: it cannot be told what is selected, and there is an error for it, or the answer is too large.
bool Request::Impl::collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, Selected& out) {
  resolved += nodes.size();
  if (too_large()) return false;
  for (const SelectionNode& node : nodes) {
    const auto wanted = node.directives.empty() ? true : included(node);
    if (!wanted) return false;
    if (!*wanted) continue;
    bool fine = true;
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = out.index.try_emplace(node.response_key(), out.fields.size());
      if (fresh) out.fields.push_back({&type, node.response_key(), {}});
      out.fields[at->second].nodes.push_back(&node);
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      fine = !applies(node.type_condition, type) || collect(type, node.selections, out);
    } else if (out.visited.insert(node.name).second) {
      const FragmentNode& fragment = *fragments.at(node.name);
      fine = !applies(fragment.type_condition, type) || collect(type, fragment.selections, out);
    }
    if (!fine) return false;
  }
  return true;
}

/// The arguments of a field, read once however many objects it is selected on. Null: refused, with an error.
const Args* Request::Impl::arguments(const FieldDef& def, const MergedField& field) {
  static const Args kNone;
  if (def.args.empty()) return &kNone;
  const SelectionNode& node = *field.nodes.front();
  auto known = known_args.find({&node, &def});
  if (known == known_args.end()) {
    auto read = read_arguments(def.args, node.arguments, node.at, variables);
    known = known_args.emplace(std::pair(&node, &def), std::move(read)).first;
  }
  const auto& args = known->second;
  if (args) return &*args;
  refuse(args.error().message, args.error().code, args.error().locations);
  return nullptr;
}

void Request::Impl::refuse(std::string message, std::string code, std::vector<Location> at) {
  if (errors.size() < limits.errors_max) errors.push_back({std::move(message), std::move(at), path, std::move(code)});
}

void Request::Impl::refuse(std::string message, std::string code, const MergedField& field) {
  constexpr std::size_t kPlacesMax = 10;
  std::vector<Location> at;
  for (std::size_t i = 0; i < field.nodes.size() && i < kPlacesMax; ++i) at.push_back(field.nodes[i]->at);
  refuse(std::move(message), std::move(code), std::move(at));
}

// ---------------------------------------------------------------- writing

void Request::Impl::put_key(std::string_view key) {
  if (data.back() != '{') data += ',';
  data += '"';
  data += key;
  data += "\":";
}

/// Writes one member of an object. False: it is null where it must not be, and the object becomes null.
bool Request::Impl::write_field(const FieldDef& def, const MergedField& field, const Value& value) {
  put_key(field.key);
  return write(*def.type, field, value);
}

/// False: the value is null where it must not be.
bool Request::Impl::write(const Type& type, const MergedField& field, const Value& value) {
  if (type.is_non_null()) return write_non_null(*type.of, field, value);
  const std::size_t start = data.size();
  if (!write_present(type, field, value)) {
    data.resize(start);
    data += "null";
  }
  return true;
}

/// False: the value is null, or it cannot be had; then there is an error for it.
bool Request::Impl::write_present(const Type& type, const MergedField& field, const Value& value) {
  if (too_large()) return false;
  if (const FieldError* error = value.as_error()) {
    refuse(error->message, error->code, field);
    return false;
  }
  const json::Value* raw = value.as_json();
  if (value.is_null() || (raw && raw->is_null())) return false;
  if (type.is_list()) {
    ENSURE(value.as_list());
    return write_list(type, field, *value.as_list());
  }
  if (type.def->is_leaf()) return write_leaf(*type.def, field, value);
  const ObjectValue* object = value.as_object();
  ENSURE(object && object->type && type.def->can_be(*object->type));
  return write_object(*object, field);
}

bool Request::Impl::write_non_null(const Type& type, const MergedField& field, const Value& value) {
  const std::size_t start = data.size();
  const std::size_t errors_before = errors.size();
  if (write_present(type, field, value)) return true;
  if (errors.size() == errors_before && !too_large()) {
    refuse("Cannot return null for non-nullable field " + field.parent->name + "." +
               std::string(field.nodes.front()->name) + ".",
           std::string(kInternal), field);
  }
  data.resize(start);
  return false;
}

bool Request::Impl::write_list(const Type& type, const MergedField& field, const ListValue& items) {
  data += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) data += ',';
    path.emplace_back(static_cast<int>(i));
    ++resolved;
    const bool fine = write(*type.of, field, items[i]);
    path.pop_back();
    if (!fine) return false;
  }
  data += ']';
  return true;
}

bool Request::Impl::write_leaf(const TypeDef& type, const MergedField& field, const Value& value) {
  const auto cannot = [&](const std::string& why) {
    refuse(why, std::string(kInternal), field);
    return false;
  };
  const auto* number = value.as_int();
  const auto* real = value.as_double();
  const auto* word = value.as_string();
  const bool is_int = type.builtin == Builtin::int_type;
  const bool is_text = type.builtin == Builtin::string_type || type.builtin == Builtin::id_type;
  if (number && is_int && (*number > INT32_MAX || *number < INT32_MIN)) {
    return cannot("Int cannot represent non 32-bit signed integer value: " + std::to_string(*number));
  }
  if (real && is_int) return cannot("Int cannot represent non-integer value: " + fmt::format("{}", *real));
  if (real && !std::isfinite(*real)) {
    return cannot(type.name + " cannot represent non numeric value: " + fmt::format("{}", *real));
  }
  if (word && type.kind == TypeKind::enum_type && !type.has_value(*word)) {
    return cannot("Enum \"" + type.name + "\" cannot represent value: \"" + *word + "\"");
  }
  if (number) {
    data += is_text ? "\"" + std::to_string(*number) + "\"" : std::to_string(*number);
  } else if (real) {
    data += fmt::format("{}", *real);
  } else if (const auto* yes = value.as_bool()) {
    data += *yes ? "true" : "false";
  } else if (const auto* raw = value.as_json()) {
    data += json::write(*raw);
  } else {
    ENSURE(word);
    json::write_string(data, *word);
  }
  return true;
}

bool Request::Impl::write_object(const ObjectValue& object, const MergedField& field) {
  Selected selected;
  for (const SelectionNode* node : field.nodes) {
    if (!collect(*object.type, node->selections, selected)) return false;
  }
  data += '{';
  for (const MergedField& member : selected.fields) {
    path.emplace_back(std::string(member.key));
    const bool fine = resolve_into(*object.type, object.object.get(), member);
    path.pop_back();
    if (!fine) return false;
  }
  data += '}';
  return true;
}

bool Request::Impl::resolve_into(const TypeDef& type, const void* object, const MergedField& field) {
  const FieldDef& def = *schema.field(type, field.nodes.front()->name);
  if (too_large()) return false;
  if (def.name == "__typename") return write_field(def, field, Value(type.name));
  const Args* args = arguments(def, field);
  if (!args) return write_refused(def, field);
  return write_field(def, field, def.resolve ? def.resolve(object, *args) : Value());
}

/// A field whose arguments were refused: the error is there already.
bool Request::Impl::write_refused(const FieldDef& def, const MergedField& field) {
  put_key(field.key);
  data += "null";
  return !def.type->is_non_null();
}

// ---------------------------------------------------------------- the request

Request::Request(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
Request::~Request() = default;

OperationType Request::type() const {
  return impl_->operation->type;
}

const RootField* Request::next_root() {
  Impl& me = *impl_;
  ENSURE(!me.waiting);
  const TypeDef& root = *me.schema.root(me.operation->type);
  while (!me.data_is_null && me.next < me.roots.size()) {
    const MergedField& field = me.roots[me.next];
    const FieldDef& def = me.root_def(field);
    me.path = {std::string(field.key)};
    const Args* args = me.arguments(def, field);
    me.waiting = true;
    if (!args) {
      me.data_is_null = !me.write_refused(def, field);
      me.waiting = false;
      ++me.next;
    } else if (def.name == "__typename") {
      complete(Value(root.name));
    } else if (def.name == "__schema") {
      complete(introspect_schema(me.schema));
    } else if (def.name == "__type") {
      complete(introspect_type(me.schema, args->text("name")));
    } else {
      me.current = {def.name, field.key, args};
      return &me.current;
    }
  }
  return nullptr;
}

void Request::complete(const Value& value) {
  Impl& me = *impl_;
  ENSURE(me.waiting);
  me.waiting = false;
  const MergedField& field = me.roots[me.next++];
  me.path = {std::string(field.key)};
  if (!me.write_field(me.root_def(field), field, value)) me.data_is_null = true;
  if (!me.too_large()) return;
  me.data_is_null = true;
  const bool many = me.resolved > me.limits.resolved_max;
  const std::string most = std::to_string(many ? me.limits.resolved_max : me.limits.answer_bytes_max);
  me.refuse("The answer has more than " + most + (many ? " fields." : " bytes."), std::string(kBadUserInput), field);
}

std::string Request::finish() {
  Impl& me = *impl_;
  ENSURE(!me.waiting);
  std::string out = "{";
  if (!me.errors.empty()) {
    out += "\"errors\":";
    write_errors(out, me.errors);
    out += ',';
  }
  out += "\"data\":";
  if (me.data_is_null) return out + "null}";
  out += me.data;
  return out + "}}";
}

std::variant<Request, std::vector<GraphqlError>> prepare(const Schema& schema, const PrepareOptions& options,
                                                         std::string text, const std::string* operation_name,
                                                         const json::Value* variables) {
  using Errors = std::vector<GraphqlError>;
  auto impl = std::make_unique<Request::Impl>(schema);
  impl->limits = options.limits;
  impl->text = std::move(text);
  auto document = parse_document(impl->text, options.limits);
  if (!document) return Errors{document.error()};
  impl->document = std::move(*document);
  for (const FragmentNode& node : impl->document.fragments) impl->fragments.emplace(node.name, &node);
  if (auto errors = validate(schema, impl->document, options.limits, options.leniency); !errors.empty()) return errors;
  const auto refuse = [](std::string message) {
    return Errors{{std::move(message), {}, {}, std::string(kOperationResolution)}};
  };
  for (const OperationNode& node : impl->document.operations) {
    if (operation_name ? node.name == *operation_name : true) impl->operation = &node;
  }
  if (!impl->operation && operation_name) return refuse("Unknown operation named \"" + *operation_name + "\".");
  if (!impl->operation) return refuse("Must provide an operation.");
  if (!operation_name && impl->document.operations.size() > 1) {
    return refuse("Must provide operation name if query contains multiple operations.");
  }
  std::vector<const Type*> types;
  for (const VariableNode& node : impl->operation->variables) types.push_back(impl->types.type_of(schema, node.type));
  auto values = read_variables(impl->operation->variables, types, variables, options.leniency, options.limits);
  if (!values) return values.error();
  impl->variables = std::move(*values);
  Selected selected;
  impl->data_is_null = !impl->collect(*schema.root(impl->operation->type), impl->operation->selections, selected);
  impl->roots = std::move(selected.fields);
  return Request(std::move(impl));
}

}  // namespace penstock::graphql
