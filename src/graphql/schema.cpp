#include "graphql/schema.h"

#include <algorithm>

#include "base/error.h"

namespace penstock::graphql {
namespace {

template <class Named>
const Named* find_named(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string Type::text() const {
  switch (kind) {
    case Kind::named:
      return def->name;
    case Kind::list:
      return "[" + of->text() + "]";
    case Kind::non_null:
      return of->text() + "!";
  }
  return "";
}

const InputValueDef* FieldDef::arg(std::string_view wanted) const {
  return find_named(args, wanted);
}
const FieldDef* TypeDef::field(std::string_view wanted) const {
  return find_named(fields, wanted);
}
const InputValueDef* TypeDef::input(std::string_view wanted) const {
  return find_named(inputs, wanted);
}
bool TypeDef::has_value(std::string_view wanted) const {
  return find_named(values, wanted) != nullptr;
}

bool TypeDef::can_be(const TypeDef& other) const {
  return &other == this || std::ranges::find(possible, &other) != possible.end();
}

bool DirectiveDef::allowed_at(std::string_view location) const {
  return std::ranges::find(locations, location) != locations.end();
}

Schema::Schema() = default;

const TypeDef* Schema::type(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : found->second.get();
}

const DirectiveDef* Schema::directive(std::string_view name) const {
  return find_named(directives_, name);
}

const TypeDef* Schema::root(OperationType type) const {
  switch (type) {
    case OperationType::query:
      return query_;
    case OperationType::mutation:
      return mutation_;
    case OperationType::subscription:
      return subscription_;
  }
  return nullptr;
}

const Type* TypePool::type_of(const Schema& schema, const TypeNode& node) {
  Type type;
  if (node.kind == TypeNode::Kind::named) {
    type.def = schema.type(node.name);
    if (!type.def) return nullptr;
  } else {
    type.kind = node.kind == TypeNode::Kind::list ? Type::Kind::list : Type::Kind::non_null;
    type.of = type_of(schema, *node.of);
    if (!type.of) return nullptr;
  }
  types_.push_back(std::make_unique<Type>(type));
  return types_.back().get();
}

bool same_type(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  return a.kind == Type::Kind::named ? a.def == b.def : same_type(*a.of, *b.of);
}

const FieldDef* Schema::field(const TypeDef& parent, std::string_view name) const {
  if (name.starts_with("__")) {
    if (name == "__typename") return &typename_field_;
    if (&parent == query_ && name == "__schema") return &schema_field_;
    if (&parent == query_ && name == "__type") return &type_field_;
  }
  return parent.field(name);
}

bool Schema::attach(std::string_view type_name, std::string_view field_name, Resolver resolver) {
  const auto found = types_.find(type_name);
  if (found == types_.end()) return false;
  const auto field = std::ranges::find(found->second->fields, field_name, &FieldDef::name);
  if (field == found->second->fields.end()) return false;
  field->resolve = std::move(resolver);
  return true;
}

bool Schema::mark_stable(std::string_view type_name, std::string_view field_name) {
  const auto found = types_.find(type_name);
  if (found == types_.end()) return false;
  const auto field = std::ranges::find(found->second->fields, field_name, &FieldDef::name);
  if (field == found->second->fields.end() || !field->type->named().is_leaf() || !field->args.empty()) return false;
  field->stable = true;
  return true;
}

bool Schema::attach_scalar(std::string_view type_name, ScalarReader reader) {
  const auto found = types_.find(type_name);
  if (found == types_.end()) return false;
  TypeDef& def = *found->second;
  if (def.kind != TypeKind::scalar || def.builtin != Builtin::none) return false;
  def.read_scalar = std::move(reader);
  return true;
}

std::vector<std::string> Schema::unresolved_fields() const {
  std::vector<std::string> out;
  for (const TypeDef* def : order_) {
    const bool bound = std::ranges::any_of(def->fields, [](const FieldDef& f) { return bool(f.resolve); });
    for (const FieldDef& field : def->fields) {
      if (bound && !field.resolve) out.push_back(def->name + "." + field.name);
    }
  }
  return out;
}

}  // namespace penstock::graphql
