#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "graphql/ast.h"
#include "graphql/input.h"
#include "graphql/sink.h"
#include "graphql/value.h"

namespace penstock::graphql {

struct TypeDef;
class Schema;

/// A type in use: a named one, or a list or non-null around another.
struct Type {
  enum class Kind { named, list, non_null };
  Kind kind = Kind::named;
  const TypeDef* def = nullptr;  // of `named`
  const Type* of = nullptr;      // of the others

  bool is_non_null() const { return kind == Kind::non_null; }
  bool is_list() const { return kind == Kind::list; }
  const Type* nullable() const { return is_non_null() ? of : this; }
  const TypeDef& named() const { return def ? *def : of->named(); }
  std::string text() const;
};

struct InputValueDef {
  std::string name;
  std::string description;
  const Type* type = nullptr;
  std::optional<Input> default_value;
  std::string default_text;  // the default as introspection shows it
  std::optional<std::string> deprecated;

  bool required() const { return type->is_non_null() && !default_value; }
};

/// Writes the value of a field of an object. Throws nothing; a refusal is a FieldError.
using Resolver = std::function<void(const void* object, const Args& args, Sink& sink)>;

struct FieldDef {
  std::string name;
  std::string description;
  std::vector<InputValueDef> args;
  const Type* type = nullptr;
  std::optional<std::string> deprecated;
  Resolver resolve;     // empty: null
  bool stable = false;  // its value depends on nothing but the object's revision (Sink::object)

  const InputValueDef* arg(std::string_view name) const;
};

struct EnumValueDef {
  std::string name;
  std::string description;
  std::optional<std::string> deprecated;
};

/// The scalars of the specification; `none` is every other type.
enum class Builtin { none, int_type, float_type, string_type, boolean_type, id_type };

/// Checks what a request gives for a custom scalar and may change it. Errors: the end of a message, such as
/// `Port must be 0 to 65535`.
using ScalarReader = std::function<tl::expected<Input, std::string>(Input)>;

struct TypeDef {
  TypeKind kind = TypeKind::scalar;
  std::string name;
  std::string description;
  std::vector<FieldDef> fields;            // object, interface
  std::vector<const TypeDef*> interfaces;  // object, interface
  std::vector<const TypeDef*> possible;    // interface, union: the objects it may be
  std::vector<EnumValueDef> values;        // enum
  std::vector<InputValueDef> inputs;       // input object
  std::optional<std::string> specified_by;
  bool one_of = false;
  Builtin builtin = Builtin::none;
  ScalarReader read_scalar;  // custom scalar; empty: everything is taken as it is

  bool is_leaf() const { return kind == TypeKind::scalar || kind == TypeKind::enum_type; }
  bool is_composite() const {
    return kind == TypeKind::object || kind == TypeKind::interface || kind == TypeKind::union_type;
  }
  bool is_input() const { return is_leaf() || kind == TypeKind::input_object; }
  bool is_abstract() const { return kind == TypeKind::interface || kind == TypeKind::union_type; }
  const FieldDef* field(std::string_view name) const;
  const InputValueDef* input(std::string_view name) const;
  bool has_value(std::string_view name) const;
  /// Whether an object of type `other` (an object type) can stand where this type is.
  bool can_be(const TypeDef& other) const;
};

struct DirectiveDef {
  std::string name;
  std::string description;
  std::vector<InputValueDef> args;
  std::vector<std::string> locations;
  bool repeatable = false;

  bool allowed_at(std::string_view location) const;
};

/// Keeps the types that are written somewhere: one pool in the schema, one in each document for its variables.
class TypePool {
 public:
  /// Null when the name is unknown.
  const Type* type_of(const Schema& schema, const TypeNode& node);

 private:
  std::vector<std::unique_ptr<Type>> types_;
};

bool same_type(const Type& a, const Type& b);

/// A schema made from SDL, with the resolvers that were attached to it. Built once at start, then only read; it must
/// outlive every request that uses it.
class Schema {
 public:
  /// Errors: what is wrong with the SDL and where.
  static tl::expected<std::unique_ptr<Schema>, GraphqlError> from_sdl(std::string_view sdl);

  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  const TypeDef* type(std::string_view name) const;
  const DirectiveDef* directive(std::string_view name) const;
  const TypeDef* root(OperationType type) const;
  const std::vector<const TypeDef*>& types() const { return order_; }
  const std::vector<DirectiveDef>& directives() const { return directives_; }
  const std::string& description() const { return description_; }

  /// The field of that name, with __typename, and __schema and __type on the query root.
  const FieldDef* field(const TypeDef& parent, std::string_view name) const;

  /// Attaches a resolver. False when the schema has no such field.
  bool attach(std::string_view type, std::string_view field, Resolver resolver);
  /// Declares a leaf without arguments stable. False when the schema has no such field, or it is no such leaf.
  bool mark_stable(std::string_view type, std::string_view field);
  /// Attaches the check of a custom scalar. False when the schema has no such scalar.
  bool attach_scalar(std::string_view type, ScalarReader reader);
  /// "Type.field" of every field without a resolver in types that have at least one: for a check at start.
  std::vector<std::string> unresolved_fields() const;

 private:
  friend class SchemaBuilder;
  Schema();

  std::string description_;
  std::unordered_map<std::string_view, std::unique_ptr<TypeDef>> types_;
  std::vector<const TypeDef*> order_;
  std::vector<DirectiveDef> directives_;
  const TypeDef* query_ = nullptr;
  const TypeDef* mutation_ = nullptr;
  const TypeDef* subscription_ = nullptr;
  TypePool uses_;
  FieldDef typename_field_;
  FieldDef schema_field_;
  FieldDef type_field_;
};

namespace detail {

template <class Result>
void put(Sink& sink, const Result& result) {
  if constexpr (requires { result.has_value(); }) {
    if (result) put(sink, *result);
  } else if constexpr (std::is_same_v<Result, bool>) {
    sink.boolean(result);
  } else if constexpr (std::is_integral_v<Result>) {
    sink.integer(result);
  } else if constexpr (std::is_convertible_v<const Result&, std::string_view>) {
    sink.text(result);
  } else {
    sink.put(result);
  }
}

}  // namespace detail

/// Attaches functions of one C++ type to the fields of one object type. Aborts when the schema has no such field: that
/// is a mistake in the program.
template <class T>
class Binder {
 public:
  Binder(Schema& schema, std::string type) : schema_(schema), type_(std::move(type)) {}

  /// `function` takes the object and, where it wants them, the arguments, and gives a Value or a text, number or
  /// truth, perhaps optional (`-> const auto&` spares the copy of a text); or it takes a Sink& too and writes there
  /// itself, which spares copies.
  template <class F>
  Binder& field(std::string_view name, F function) {
    Resolver resolver = [function = std::move(function)](const void* object, const Args& args, Sink& sink) {
      const T& self = *static_cast<const T*>(object);
      if constexpr (std::is_invocable_v<F, const T&, const Args&, Sink&>) {
        function(self, args, sink);
      } else if constexpr (std::is_invocable_v<F, const T&, Sink&>) {
        function(self, sink);
      } else if constexpr (std::is_invocable_v<F, const T&, const Args&>) {
        detail::put(sink, function(self, args));
      } else {
        static_cast<void>(args);
        detail::put(sink, function(self));
      }
    };
    ENSURE(schema_.attach(type_, name, std::move(resolver)));
    return *this;
  }

  /// The same for a leaf that depends on nothing but the object's revision.
  template <class F>
  Binder& stable(std::string_view name, F function) {
    field(name, std::move(function));
    ENSURE(schema_.mark_stable(type_, name));
    return *this;
  }

  /// An object value of this type.
  Value object(T value) const {
    return Value(ObjectValue{schema_.type(type_), std::make_shared<const T>(std::move(value))});
  }

 private:
  Schema& schema_;
  std::string type_;
};

/// An object value of the named type.
template <class T>
Value make_object(const Schema& schema, std::string_view type, T value) {
  return Value(ObjectValue{schema.type(type), std::make_shared<const T>(std::move(value))});
}

}  // namespace penstock::graphql
