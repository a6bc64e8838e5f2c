#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace penstock::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;  // in the order of the text; keys are unique (the last one given wins)

/// A JSON value that was read and checked. Integers that fit 64 bits stay integers; other numbers are doubles.
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
  Value(Array value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }
  Array* as_array() { return std::get_if<Array>(&data_); }
  Object* as_object() { return std::get_if<Object>(&data_); }

  /// The member of an object; nothing when this is no object or has no such key.
  const Value* find(std::string_view key) const;

  /// "null", "boolean", "number", "string", "array" or "object": for error messages.
  std::string_view type_name() const;

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct ParseLimits {
  std::size_t depth = 64;
};

/// For payloads that are passed on and not read: models return nested lists.
inline constexpr ParseLimits kPayloadLimits{512};

/// Reads one JSON text. Errors: invalid (what is wrong and at which byte).
Result<Value> parse(std::string_view text, ParseLimits limits = {});

/// Compact JSON. Strings keep their UTF-8; control characters are escaped; a double that is not finite becomes null.
std::string write(const Value& value);
void write_string(std::string& out, std::string_view text);

/// One member of an object as the sender wrote it: `value` is the sender's own bytes, without the surrounding space.
struct RawMember {
  std::string key;         // unescaped
  std::string_view value;  // a part of the text that was split
};

/// Checks that the whole text is one JSON object (strict JSON, valid UTF-8, no NaN) and splits its top level without
/// touching the values. A key given twice appears twice. Errors: invalid.
Result<std::vector<RawMember>> split_object(std::string_view text, ParseLimits limits = {});

/// The same for one JSON array: its elements as the sender wrote them, parts of the text. Errors: invalid.
Result<std::vector<std::string_view>> split_array(std::string_view text, ParseLimits limits = {});

/// Checks that the text is one strict JSON value. Errors: invalid.
Result<void> check(std::string_view text, ParseLimits limits = {});

}  // namespace penstock::json
