#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "json/json.h"

namespace penstock::graphql {

struct TypeDef;
class Value;

/// An object of the program, with the object type that says which resolvers read it.
struct ObjectValue {
  const TypeDef* type = nullptr;
  std::shared_ptr<const void> object;
};

/// A field that has no value, for a reason.
struct FieldError {
  std::string message;
  std::string code;
};

/// What a custom scalar may hold besides plain values.
struct JsonValue {
  std::shared_ptr<const json::Value> value;
};

using ListValue = std::vector<Value>;

/// What a resolver gives back. Enum values are strings.
class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(ListValue value) : data_(std::move(value)) {}
  Value(ObjectValue value) : data_(std::move(value)) {}
  Value(FieldError value) : data_(std::move(value)) {}
  Value(JsonValue value) : data_(std::move(value)) {}

  static Value from_json(json::Value value) { return JsonValue{std::make_shared<const json::Value>(std::move(value))}; }

  /// Null when there is nothing.
  template <class T>
  static Value of(const std::optional<T>& value) {
    return value ? Value(*value) : Value();
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const ListValue* as_list() const { return std::get_if<ListValue>(&data_); }
  const ObjectValue* as_object() const { return std::get_if<ObjectValue>(&data_); }
  const FieldError* as_error() const { return std::get_if<FieldError>(&data_); }
  const json::Value* as_json() const {
    const auto* held = std::get_if<JsonValue>(&data_);
    return held ? held->value.get() : nullptr;
  }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, ListValue, ObjectValue, FieldError, JsonValue>
      data_;
};

}  // namespace penstock::graphql
