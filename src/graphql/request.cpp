#include "graphql/request.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "graphql/introspection.h"
#include "graphql/parser.h"
#include "graphql/validate.h"

namespace penstock::graphql {
namespace {

constexpr std::size_t kErrorsMax = 100;

/// The fields of one response key, merged.
struct MergedField {
  std::string_view key;
  std::vector<const SelectionNode*> nodes;
};

}  // namespace

struct Request::Impl {
  // ---- what was asked
  const Schema& schema;
  Leniency leniency;
  std::string text;  // the tree points into it
  Document document;
  const OperationNode* operation = nullptr;
  TypePool types;
  Variables variables;

  // ---- where the answer stands
  std::vector<MergedField> roots;
  std::size_t next = 0;
  RootField current;
  Args current_args;
  bool waiting = false;
  bool data_is_null = false;
  std::string data = "{";
  std::vector<GraphqlError> errors;
  std::vector<PathStep> path;

  explicit Impl(const Schema& s) : schema(s) {}

  bool included(const SelectionNode& node);
  void collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, std::vector<MergedField>& out,
               std::unordered_map<std::string_view, std::size_t>& index, std::set<std::string_view>& visited);
  bool applies(std::string_view condition, const TypeDef& type) const;
  std::optional<Args> arguments(const FieldDef& def, const MergedField& field);
  void refuse(std::string message, std::string code, Location at);
  bool write_field(const TypeDef& parent, const FieldDef& def, const MergedField& field, const Value& value);
  bool write(const Type& type, const MergedField& field, const Value& value);
  bool write_non_null(const Type& type, const MergedField& field, const Value& value);
  bool write_list(const Type& type, const MergedField& field, const ListValue& items);
  bool write_leaf(const TypeDef& type, const MergedField& field, const Value& value);
  bool write_object(const ObjectValue& object, const MergedField& field);
  bool resolve_into(const TypeDef& type, const void* object, const MergedField& field);
  void put_key(std::string_view key);
  const FieldDef& root_def(const MergedField& field) const {
    return *schema.field(*schema.root(operation->type), field.nodes.front()->name);
  }
};

// ---------------------------------------------------------------- which fields

bool Request::Impl::included(const SelectionNode& node) {
  for (const DirectiveNode& directive : node.directives) {
    if (directive.name != "skip" && directive.name != "include") continue;
    const auto args = read_arguments(schema.directive(directive.name)->args, directive.arguments, directive.at, variables);
    if (!args) {
      errors.push_back(args.error());
      return false;
    }
    const bool condition = *args->find("if")->as_bool();
    if (condition == (directive.name == "skip")) return false;
  }
  return true;
}

bool Request::Impl::applies(std::string_view condition, const TypeDef& type) const {
  return condition.empty() || schema.type(condition)->can_be(type);
}

void Request::Impl::collect(const TypeDef& type, const std::vector<SelectionNode>& nodes, std::vector<MergedField>& out,
                            std::unordered_map<std::string_view, std::size_t>& index,
                            std::set<std::string_view>& visited) {
  for (const SelectionNode& node : nodes) {
    if (!node.directives.empty() && !included(node)) continue;
    if (node.kind == SelectionNode::Kind::field) {
      const auto [at, fresh] = index.try_emplace(node.response_key(), out.size());
      if (fresh) out.push_back({node.response_key(), {}});
      out[at->second].nodes.push_back(&node);
    } else if (node.kind == SelectionNode::Kind::inline_fragment) {
      if (applies(node.type_condition, type)) collect(type, node.selections, out, index, visited);
    } else if (visited.insert(node.name).second) {
      const auto fragment = std::ranges::find(document.fragments, node.name, &FragmentNode::name);
      if (applies(fragment->type_condition, type)) collect(type, fragment->selections, out, index, visited);
    }
  }
}

std::optional<Args> Request::Impl::arguments(const FieldDef& def, const MergedField& field) {
  const SelectionNode& node = *field.nodes.front();
  auto args = read_arguments(def.args, node.arguments, node.at, variables);
  if (args) return std::move(*args);
  refuse(args.error().message, args.error().code, args.error().locations.front());
  return std::nullopt;
}

void Request::Impl::refuse(std::string message, std::string code, Location at) {
  if (errors.size() < kErrorsMax) errors.push_back({std::move(message), {at}, path, std::move(code)});
}

// ---------------------------------------------------------------- writing

void Request::Impl::put_key(std::string_view key) {
  if (data.back() != '{') data += ',';
  data += '"';
  data += key;
  data += "\":";
}

/// Writes one member of an object. False: it is null where it must not be, and the object becomes null.
bool Request::Impl::write_field(const TypeDef& parent, const FieldDef& def, const MergedField& field, const Value& value) {
  static_cast<void>(parent);
  put_key(field.key);
  return write(*def.type, field, value);
}

bool Request::Impl::write(const Type& type, const MergedField& field, const Value& value) {
  const std::size_t start = data.size();
  if (type.is_non_null()) return write_non_null(*type.of, field, value);
  bool fine = true;
  if (const FieldError* error = value.as_error()) {
    refuse(error->message, error->code, field.nodes.front()->at);
    fine = false;
  } else if (value.is_null()) {
    data += "null";
  } else if (type.is_list()) {
    fine = value.as_list() && write_list(type, field, *value.as_list());
    ENSURE(value.as_list());
  } else if (type.def->is_leaf()) {
    fine = write_leaf(*type.def, field, value);
  } else {
    ENSURE(value.as_object());
    fine = write_object(*value.as_object(), field);
  }
  if (!fine) {
    data.resize(start);
    data += "null";
  }
  return true;
}

bool Request::Impl::write_non_null(const Type& type, const MergedField& field, const Value& value) {
  const std::size_t start = data.size();
  const std::size_t errors_before = errors.size();
  if (!value.is_null() || value.as_error()) write(type, field, value);
  const bool wrote_null = std::string_view(data).substr(start) == "null";
  if (data.size() > start && !wrote_null) return true;
  if (errors.size() == errors_before) {
    const SelectionNode& node = *field.nodes.front();
    refuse("Cannot return null for non-nullable field " + std::string(node.name) + ".", std::string(kInternal), node.at);
  }
  data.resize(start);
  return false;
}

bool Request::Impl::write_list(const Type& type, const MergedField& field, const ListValue& items) {
  data += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) data += ',';
    path.emplace_back(static_cast<int>(i));
    const bool fine = write(*type.of, field, items[i]);
    path.pop_back();
    if (!fine) return false;
  }
  data += ']';
  return true;
}

bool Request::Impl::write_leaf(const TypeDef& type, const MergedField& field, const Value& value) {
  if (const auto* number = value.as_int()) {
    const bool too_big = type.name == "Int" && (*number > INT32_MAX || *number < INT32_MIN);
    if (too_big) {
      refuse("Int cannot represent non 32-bit signed integer value: " + std::to_string(*number), std::string(kInternal), field.nodes.front()->at);
      return false;
    }
    data += std::to_string(*number);
  } else if (const auto* real = value.as_double()) {
    data += std::isfinite(*real) ? fmt::format("{}", *real) : "null";
  } else if (const auto* yes = value.as_bool()) {
    data += *yes ? "true" : "false";
  } else {
    ENSURE(value.as_string());
    json::write_string(data, *value.as_string());
  }
  return true;
}

bool Request::Impl::write_object(const ObjectValue& object, const MergedField& field) {
  std::vector<MergedField> fields;
  std::unordered_map<std::string_view, std::size_t> index;
  std::set<std::string_view> visited;
  for (const SelectionNode* node : field.nodes) collect(*object.type, node->selections, fields, index, visited);
  data += '{';
  for (const MergedField& member : fields) {
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
  if (def.name == "__typename") return write_field(type, def, field, Value(type.name));
  const auto args = arguments(def, field);
  if (!args) {
    put_key(field.key);
    if (def.type->is_non_null()) return false;
    data += "null";
    return true;
  }
  return write_field(type, def, field, def.resolve ? def.resolve(object, *args) : Value());
}

// ---------------------------------------------------------------- the request

Request::Request(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
Request::~Request() = default;

OperationType Request::type() const { return impl_->operation->type; }

const RootField* Request::next_root() {
  Impl& me = *impl_;
  ENSURE(!me.waiting);
  const TypeDef& root = *me.schema.root(me.operation->type);
  while (!me.data_is_null && me.next < me.roots.size()) {
    const MergedField& field = me.roots[me.next];
    const FieldDef& def = me.root_def(field);
    me.path = {std::string(field.key)};
    auto args = me.arguments(def, field);
    me.waiting = true;
    if (!args) {
      me.put_key(field.key);
      me.data += "null";
      me.data_is_null = def.type->is_non_null();
      me.waiting = false;
      ++me.next;
    } else if (def.name == "__typename") {
      complete(Value(root.name));
    } else if (def.name == "__schema") {
      complete(introspect_schema(me.schema));
    } else if (def.name == "__type") {
      complete(introspect_type(me.schema, args->text("name")));
    } else {
      me.current_args = std::move(*args);
      me.current = {def.name, field.key, &me.current_args};
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
  const TypeDef& root = *me.schema.root(me.operation->type);
  if (!me.write_field(root, me.root_def(field), field, value)) me.data_is_null = true;
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
  impl->leniency = options.leniency;
  impl->text = std::move(text);
  auto document = parse_document(impl->text, options.limits);
  if (!document) return Errors{document.error()};
  impl->document = std::move(*document);
  if (auto errors = validate(schema, impl->document, options.limits, options.leniency); !errors.empty()) return errors;
  const auto refuse = [](std::string message) { return Errors{{std::move(message), {}, {}, std::string(kOperationResolution)}}; };
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
  auto values = read_variables(impl->operation->variables, types, variables, options.leniency);
  if (!values) return values.error();
  impl->variables = std::move(*values);
  std::unordered_map<std::string_view, std::size_t> index;
  std::set<std::string_view> visited;
  impl->collect(*schema.root(impl->operation->type), impl->operation->selections, impl->roots, index, visited);
  return Request(std::move(impl));
}

}  // namespace penstock::graphql
