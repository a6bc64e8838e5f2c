#include "graphql/introspection.h"

#include "base/error.h"

namespace penstock::graphql {
namespace {

// What the introspection types stand for. A bare TypeDef stands for a named type.
struct TypeView {
  const Schema* schema;
  const TypeDef* def;   // a named type ...
  const Type* wrapper;  // ... or a list or non-null
};
struct FieldView {
  const Schema* schema;
  const FieldDef* def;
};
struct InputView {
  const Schema* schema;
  const InputValueDef* def;
};
struct EnumView {
  const EnumValueDef* def;
};
struct DirectiveView {
  const Schema* schema;
  const DirectiveDef* def;
};
struct SchemaView {
  const Schema* schema;
};

Value text_or_null(const std::string& text) {
  return text.empty() ? Value() : Value(text);
}

Value type_value(const Schema& schema, const TypeDef* def) {
  return def ? make_object(schema, "__Type", TypeView{&schema, def, nullptr}) : Value();
}

Value type_value(const Schema& schema, const Type* type) {
  if (type->kind == Type::Kind::named) return type_value(schema, type->def);
  return make_object(schema, "__Type", TypeView{&schema, nullptr, type});
}

bool wants_deprecated(const Args& args) {
  const Input* include = args.find("includeDeprecated");
  return include && include->as_bool() && *include->as_bool();
}

Value inputs_value(const Schema& schema, const std::vector<InputValueDef>& defs, const Args& args) {
  ListValue out;
  for (const auto& def : defs) {
    if (def.deprecated && !wants_deprecated(args)) continue;
    out.push_back(make_object(schema, "__InputValue", InputView{&schema, &def}));
  }
  return out;
}

Value types_value(const Schema& schema, const std::vector<const TypeDef*>& defs) {
  ListValue out;
  for (const TypeDef* def : defs) out.push_back(type_value(schema, def));
  return out;
}

const char* kind_name(const TypeView& view) {
  if (view.wrapper) return view.wrapper->is_list() ? "LIST" : "NON_NULL";
  switch (view.def->kind) {
    case TypeKind::scalar:
      return "SCALAR";
    case TypeKind::object:
      return "OBJECT";
    case TypeKind::interface:
      return "INTERFACE";
    case TypeKind::union_type:
      return "UNION";
    case TypeKind::enum_type:
      return "ENUM";
    case TypeKind::input_object:
      return "INPUT_OBJECT";
  }
  return "";
}

Value fields_value(const TypeView& view, const Args& args) {
  if (!view.def || (view.def->kind != TypeKind::object && view.def->kind != TypeKind::interface)) return {};
  ListValue out;
  for (const auto& field : view.def->fields) {
    if (field.deprecated && !wants_deprecated(args)) continue;
    out.push_back(make_object(*view.schema, "__Field", FieldView{view.schema, &field}));
  }
  return out;
}

Value enum_values(const TypeView& view, const Args& args) {
  if (!view.def || view.def->kind != TypeKind::enum_type) return {};
  ListValue out;
  for (const auto& value : view.def->values) {
    if (value.deprecated && !wants_deprecated(args)) continue;
    out.push_back(make_object(*view.schema, "__EnumValue", EnumView{&value}));
  }
  return out;
}

Value interfaces_value(const TypeView& view) {
  if (!view.def || (view.def->kind != TypeKind::object && view.def->kind != TypeKind::interface)) return {};
  return types_value(*view.schema, view.def->interfaces);
}

void bind_type(Schema& schema) {
  Binder<TypeView>(schema, "__Type")
      .field("kind", [](const TypeView& v) { return Value(kind_name(v)); })
      .field("name", [](const TypeView& v) { return v.def ? Value(v.def->name) : Value(); })
      .field("description", [](const TypeView& v) { return v.def ? text_or_null(v.def->description) : Value(); })
      .field("specifiedByURL", [](const TypeView& v) { return v.def ? Value::of(v.def->specified_by) : Value(); })
      .field("fields", fields_value)
      .field("interfaces", interfaces_value)
      .field("possibleTypes",
             [](const TypeView& v) {
               return v.def && v.def->is_abstract() ? types_value(*v.schema, v.def->possible) : Value();
             })
      .field("enumValues", enum_values)
      .field("inputFields",
             [](const TypeView& v, const Args& args) {
               const bool has = v.def && v.def->kind == TypeKind::input_object;
               return has ? inputs_value(*v.schema, v.def->inputs, args) : Value();
             })
      .field("ofType", [](const TypeView& v) { return v.wrapper ? type_value(*v.schema, v.wrapper->of) : Value(); })
      .field("isOneOf", [](const TypeView& v) {
        return v.def && v.def->kind == TypeKind::input_object ? Value(v.def->one_of) : Value();
      });
}

void bind_members(Schema& schema) {
  Binder<FieldView>(schema, "__Field")
      .field("name", [](const FieldView& v) { return Value(v.def->name); })
      .field("description", [](const FieldView& v) { return text_or_null(v.def->description); })
      .field("args", [](const FieldView& v, const Args& args) { return inputs_value(*v.schema, v.def->args, args); })
      .field("type", [](const FieldView& v) { return type_value(*v.schema, v.def->type); })
      .field("isDeprecated", [](const FieldView& v) { return Value(v.def->deprecated.has_value()); })
      .field("deprecationReason", [](const FieldView& v) { return Value::of(v.def->deprecated); });
  Binder<InputView>(schema, "__InputValue")
      .field("name", [](const InputView& v) { return Value(v.def->name); })
      .field("description", [](const InputView& v) { return text_or_null(v.def->description); })
      .field("type", [](const InputView& v) { return type_value(*v.schema, v.def->type); })
      .field("defaultValue",
             [](const InputView& v) { return v.def->default_value ? Value(v.def->default_text) : Value(); })
      .field("isDeprecated", [](const InputView& v) { return Value(v.def->deprecated.has_value()); })
      .field("deprecationReason", [](const InputView& v) { return Value::of(v.def->deprecated); });
  Binder<EnumView>(schema, "__EnumValue")
      .field("name", [](const EnumView& v) { return Value(v.def->name); })
      .field("description", [](const EnumView& v) { return text_or_null(v.def->description); })
      .field("isDeprecated", [](const EnumView& v) { return Value(v.def->deprecated.has_value()); })
      .field("deprecationReason", [](const EnumView& v) { return Value::of(v.def->deprecated); });
}

void bind_schema(Schema& schema) {
  Binder<DirectiveView>(schema, "__Directive")
      .field("name", [](const DirectiveView& v) { return Value(v.def->name); })
      .field("description", [](const DirectiveView& v) { return text_or_null(v.def->description); })
      .field("isRepeatable", [](const DirectiveView& v) { return Value(v.def->repeatable); })
      .field("locations",
             [](const DirectiveView& v) { return Value(ListValue(v.def->locations.begin(), v.def->locations.end())); })
      .field("args",
             [](const DirectiveView& v, const Args& args) { return inputs_value(*v.schema, v.def->args, args); });
  Binder<SchemaView>(schema, "__Schema")
      .field("description", [](const SchemaView& v) { return text_or_null(v.schema->description()); })
      .field("types", [](const SchemaView& v) { return types_value(*v.schema, v.schema->types()); })
      .field("queryType",
             [](const SchemaView& v) { return type_value(*v.schema, v.schema->root(OperationType::query)); })
      .field("mutationType",
             [](const SchemaView& v) { return type_value(*v.schema, v.schema->root(OperationType::mutation)); })
      .field("subscriptionType",
             [](const SchemaView& v) { return type_value(*v.schema, v.schema->root(OperationType::subscription)); })
      .field("directives", [](const SchemaView& v) {
        ListValue out;
        for (const auto& def : v.schema->directives()) {
          out.push_back(make_object(*v.schema, "__Directive", DirectiveView{v.schema, &def}));
        }
        return Value(std::move(out));
      });
}

}  // namespace

void bind_introspection(Schema& schema) {
  bind_type(schema);
  bind_members(schema);
  bind_schema(schema);
}

Value introspect_schema(const Schema& schema) {
  return make_object(schema, "__Schema", SchemaView{&schema});
}

Value introspect_type(const Schema& schema, std::string_view name) {
  return type_value(schema, schema.type(name));
}

}  // namespace penstock::graphql
