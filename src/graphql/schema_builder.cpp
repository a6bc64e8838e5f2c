#include <algorithm>
#include <set>
#include <unordered_map>

#include "graphql/coerce.h"
#include "graphql/introspection.h"
#include "graphql/lexer.h"
#include "graphql/parser.h"
#include "graphql/schema.h"

namespace penstock::graphql {
namespace {

/// What every schema has: the scalars and directives of the specification, and the types of introspection.
constexpr std::string_view kPrelude = R"graphql(
"The `Int` scalar type represents non-fractional signed whole numeric values between -(2^31) and 2^31 - 1."
scalar Int
"The `Float` scalar type represents signed double-precision fractional values."
scalar Float
"The `String` scalar type represents textual data as UTF-8 character sequences."
scalar String
"The `Boolean` scalar type represents `true` or `false`."
scalar Boolean
"The `ID` scalar type represents a unique identifier."
scalar ID

directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = "No longer supported") on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @specifiedBy(url: String!) on SCALAR
directive @oneOf on INPUT_OBJECT

type __Schema {
  description: String
  types: [__Type!]!
  queryType: __Type!
  mutationType: __Type
  subscriptionType: __Type
  directives: [__Directive!]!
}

type __Type {
  kind: __TypeKind!
  name: String
  description: String
  specifiedByURL: String
  fields(includeDeprecated: Boolean = false): [__Field!]
  interfaces: [__Type!]
  possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!]
  ofType: __Type
  isOneOf: Boolean
}

enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }

type __Field {
  name: String!
  description: String
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  type: __Type!
  isDeprecated: Boolean!
  deprecationReason: String
}

type __InputValue {
  name: String!
  description: String
  type: __Type!
  defaultValue: String
  isDeprecated: Boolean!
  deprecationReason: String
}

type __EnumValue {
  name: String!
  description: String
  isDeprecated: Boolean!
  deprecationReason: String
}

type __Directive {
  name: String!
  description: String
  isRepeatable: Boolean!
  locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]!
}

enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION
  SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT
  INPUT_FIELD_DEFINITION
}
)graphql";

Builtin builtin_named(std::string_view name) {
  if (name == "Int") return Builtin::int_type;
  if (name == "Float") return Builtin::float_type;
  if (name == "String") return Builtin::string_type;
  if (name == "Boolean") return Builtin::boolean_type;
  return name == "ID" ? Builtin::id_type : Builtin::none;
}

const DirectiveNode* find_directive(const std::vector<DirectiveNode>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &DirectiveNode::name);
  return found == all.end() ? nullptr : &*found;
}

std::optional<std::string> text_argument(const DirectiveNode* directive, std::string_view name, std::string fallback) {
  if (!directive) return std::nullopt;
  for (const ArgumentNode& argument : directive->arguments) {
    if (argument.name == name) return argument.value.string;
  }
  return fallback;
}

std::optional<std::string> deprecation(const std::vector<DirectiveNode>& all) {
  return text_argument(find_directive(all, "deprecated"), "reason", "No longer supported");
}

}  // namespace

/// Turns definitions into a schema. Throws SyntaxError with what is wrong.
class SchemaBuilder {
 public:
  SchemaBuilder() : schema_(new Schema()) {}

  void declare(const SchemaDocument& document) {
    for (const TypeDefinitionNode& node : document.types) {
      if (schema_->type(node.name)) wrong("type " + std::string(node.name) + " is defined twice", node.at);
      auto def = std::make_unique<TypeDef>();
      def->kind = node.kind;
      def->name = node.name;
      def->description = node.description;
      def->specified_by = text_argument(find_directive(node.directives, "specifiedBy"), "url", "");
      def->one_of = find_directive(node.directives, "oneOf") != nullptr;
      def->builtin = node.kind == TypeKind::scalar ? builtin_named(node.name) : Builtin::none;
      schema_->order_.push_back(def.get());
      const std::string_view key = def->name;
      schema_->types_.emplace(key, std::move(def));
    }
  }

  void define(const SchemaDocument& document) {
    for (const TypeDefinitionNode& node : document.types) define(node);
    for (const DirectiveDefinitionNode& node : document.directives) {
      if (schema_->directive(node.name)) wrong("directive @" + std::string(node.name) + " is defined twice", node.at);
      DirectiveDef def;
      def.name = node.name;
      def.description = node.description;
      def.repeatable = node.repeatable;
      for (const auto location : node.locations) def.locations.emplace_back(location);
      for (const auto& argument : node.arguments) def.args.push_back(input_value(argument));
      schema_->directives_.push_back(std::move(def));
    }
  }

  /// Reads the defaults, which need complete input types: those of the input types that a default mentions come first.
  void defaults(const SchemaDocument& document) {
    for (const TypeDefinitionNode& node : document.types) {
      if (node.kind == TypeKind::input_object) unread_.emplace(node.name, &node);
    }
    for (const TypeDefinitionNode& node : document.types) {
      input_defaults(node.name);
      TypeDef& def = *schema_->types_.at(node.name);
      for (const auto& field : node.fields) argument_defaults(field.arguments, find(def.fields, field.name).args);
    }
    for (const DirectiveDefinitionNode& node : document.directives) {
      argument_defaults(node.arguments, find(schema_->directives_, node.name).args);
    }
  }

  /// The object type of an operation: as the schema's definition says, or of the usual name. Null when there is none.
  const TypeDef* root(const SchemaDefinitionNode* definition, OperationType operation, std::string_view usual) const {
    if (!definition) {
      const TypeDef* type = schema_->type(usual);
      if (type && type->kind != TypeKind::object) wrong(std::string(usual) + " must be an object type", {});
      return type;
    }
    const TypeDef* found = nullptr;
    for (const auto& [type, node] : definition->operations) {
      if (type != operation) continue;
      if (found) wrong("the " + std::string(to_text(type)) + " type of the schema is defined twice", node.at);
      found = named(node.name, node.at, TypeKind::object, "object type");
    }
    return found;
  }

  std::unique_ptr<Schema> finish(const SchemaDocument& document) {
    const SchemaDefinitionNode* definition = document.schemas.empty() ? nullptr : &document.schemas.front();
    if (definition) schema_->description_ = definition->description;
    schema_->query_ = root(definition, OperationType::query, "Query");
    if (!schema_->query_) wrong("there is no object type for queries", definition ? definition->at : Location{});
    schema_->mutation_ = root(definition, OperationType::mutation, "Mutation");
    schema_->subscription_ = root(definition, OperationType::subscription, "Subscription");
    for (const TypeDef* object : schema_->order_) {
      for (const TypeDef* interface : object->interfaces) {
        has_fields_of(*object, *interface);
        if (object->kind == TypeKind::object) schema_->types_.at(interface->name)->possible.push_back(object);
      }
    }
    meta_field(schema_->typename_field_, "__typename", "String", true);
    meta_field(schema_->schema_field_, "__schema", "__Schema", true);
    meta_field(schema_->type_field_, "__type", "__Type", false);
    InputValueDef name;
    name.name = "name";
    name.type = type_use("String", true);
    schema_->type_field_.args.push_back(std::move(name));
    bind_introspection(*schema_);
    return std::move(schema_);
  }

 private:
  [[noreturn]] static void wrong(const std::string& what, Location at) {
    throw SyntaxError{{"Schema error: " + what, {at}, {}, std::string(kInternal)}};
  }

  template <class Named>
  static Named& find(std::vector<Named>& all, std::string_view name) {
    return *std::ranges::find(all, name, &Named::name);
  }

  const Type* use(const TypeNode& node) {
    const Type* type = schema_->uses_.type_of(*schema_, node);
    if (!type) wrong("type " + print(node) + " is not defined", node.at);
    return type;
  }

  const Type* type_use(std::string_view name, bool non_null) {
    TypeNode node;
    node.name = name;
    if (!non_null) return use(node);
    TypeNode outer;
    outer.kind = TypeNode::Kind::non_null;
    outer.of = std::make_unique<TypeNode>(std::move(node));
    return use(outer);
  }

  void meta_field(FieldDef& field, const char* name, std::string_view type, bool non_null) {
    field.name = name;
    field.type = type_use(type, non_null);
  }

  InputValueDef input_value(const InputValueNode& node) {
    InputValueDef def;
    def.name = node.name;
    def.description = node.description;
    def.type = use(node.type);
    if (!def.type->named().is_input()) wrong(def.name + " has a type that is no input type", node.at);
    def.deprecated = deprecation(node.directives);
    return def;
  }

  void argument_defaults(const std::vector<InputValueNode>& nodes, std::vector<InputValueDef>& defs) {
    for (const auto& node : nodes) default_of(node, find(defs, node.name));
  }

  void input_defaults(std::string_view name) {
    const auto found = unread_.find(name);
    if (found == unread_.end()) return;
    const TypeDefinitionNode& node = *found->second;
    unread_.erase(found);
    auto& inputs = schema_->types_.at(name)->inputs;
    for (const auto& def : inputs) input_defaults(def.type->named().name);
    argument_defaults(node.input_fields, inputs);
  }

  void default_of(const InputValueNode& node, InputValueDef& def) {
    if (!node.default_value) return;
    input_defaults(def.type->named().name);
    def.default_value = from_literal(*def.type, *node.default_value, {});
    if (!def.default_value) wrong("the default of " + def.name + " does not fit its type", node.at);
    def.default_text = to_literal(*def.type, *def.default_value);
  }

  const TypeDef* named(std::string_view name, Location at) const {
    const TypeDef* found = schema_->type(name);
    if (!found) wrong("type " + std::string(name) + " is not defined", at);
    return found;
  }

  const TypeDef* named(std::string_view name, Location at, TypeKind kind, const char* what) const {
    const TypeDef* found = named(name, at);
    if (found->kind != kind) wrong(found->name + " is no " + what, at);
    return found;
  }

  template <class Named>
  static void unique_names(const std::vector<Named>& all, std::string_view owner, Location at) {
    std::set<std::string_view> seen;
    for (const Named& one : all) {
      if (!seen.insert(one.name).second) wrong(std::string(owner) + "." + one.name + " is defined twice", at);
    }
  }

  static void has_fields_of(const TypeDef& type, const TypeDef& interface) {
    for (const FieldDef& field : interface.fields) {
      if (!type.field(field.name)) wrong(type.name + " lacks the field " + interface.name + "." + field.name, {});
    }
  }

  void define(const TypeDefinitionNode& node) {
    TypeDef& def = *schema_->types_.at(node.name);
    for (const NameNode& one : node.interfaces) {
      def.interfaces.push_back(named(one.name, one.at, TypeKind::interface, "interface"));
    }
    for (const NameNode& one : node.members) {
      def.possible.push_back(named(one.name, one.at, TypeKind::object, "object type"));
    }
    for (const auto& field : node.input_fields) def.inputs.push_back(input_value(field));
    for (const auto& value : node.values) {
      def.values.push_back({std::string(value.name), value.description, deprecation(value.directives)});
    }
    for (const auto& field : node.fields) {
      FieldDef made;
      made.name = field.name;
      made.description = field.description;
      made.type = use(field.type);
      if (made.type->named().kind == TypeKind::input_object)
        wrong(def.name + "." + made.name + " has an input type", field.at);
      made.deprecated = deprecation(field.directives);
      for (const auto& argument : field.arguments) made.args.push_back(input_value(argument));
      unique_names(made.args, made.name, field.at);
      def.fields.push_back(std::move(made));
    }
    unique_names(def.fields, def.name, node.at);
    unique_names(def.inputs, def.name, node.at);
    unique_names(def.values, def.name, node.at);
    if (def.fields.empty() && (def.kind == TypeKind::object || def.kind == TypeKind::interface)) {
      wrong("type " + def.name + " has no fields", node.at);
    }
  }

  std::unique_ptr<Schema> schema_;
  std::unordered_map<std::string_view, const TypeDefinitionNode*> unread_;  // input types whose defaults are to be read
};

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

/// Puts every `extend` into what it extends. Throws SyntaxError when there is no such definition.
void fold_extensions(SchemaDocument& document) {
  const auto wrong = [](std::string what, Location at) {
    throw SyntaxError{{"Schema error: " + std::move(what), {at}, {}, std::string(kInternal)}};
  };
  std::unordered_map<std::string_view, TypeDefinitionNode*> definitions;
  for (TypeDefinitionNode& node : document.types) {
    if (!node.extends) definitions.emplace(node.name, &node);
  }
  for (TypeDefinitionNode& node : document.types) {
    if (!node.extends) continue;
    const auto found = definitions.find(node.name);
    if (found == definitions.end() || found->second->kind != node.kind) {
      wrong("type " + std::string(node.name) + " is extended as what it is not", node.at);
    }
    TypeDefinitionNode& to = *found->second;
    append(to.interfaces, node.interfaces);
    append(to.fields, node.fields);
    append(to.input_fields, node.input_fields);
    append(to.members, node.members);
    append(to.values, node.values);
    append(to.directives, node.directives);
  }
  std::erase_if(document.types, [](const TypeDefinitionNode& node) { return node.extends; });
  std::vector<SchemaDefinitionNode>& schemas = document.schemas;
  if (schemas.empty()) return;
  const auto definition = std::ranges::find(schemas, false, &SchemaDefinitionNode::extends);
  if (definition != schemas.end()) std::rotate(schemas.begin(), definition, std::next(definition));
  if (schemas.front().extends) wrong("the schema is extended and has no definition", schemas.front().at);
  for (std::size_t i = 1; i < schemas.size(); ++i) {
    if (!schemas[i].extends) wrong("the schema is defined twice", schemas[i].at);
    append(schemas.front().operations, schemas[i].operations);
    append(schemas.front().directives, schemas[i].directives);
  }
}

}  // namespace

tl::expected<std::unique_ptr<Schema>, GraphqlError> Schema::from_sdl(std::string_view sdl) {
  const Limits limits;
  const auto prelude = parse_schema(kPrelude, limits);
  ENSURE(prelude.has_value());
  auto document = parse_schema(sdl, limits);
  if (!document) return tl::unexpected<GraphqlError>(document.error());
  try {
    fold_extensions(*document);
    SchemaBuilder builder;
    builder.declare(*document);
    builder.declare(*prelude);
    builder.define(*prelude);
    builder.define(*document);
    builder.defaults(*prelude);
    builder.defaults(*document);
    return builder.finish(*document);
  } catch (SyntaxError& refused) {
    return tl::unexpected<GraphqlError>(std::move(refused.error));
  }
}

}  // namespace penstock::graphql
