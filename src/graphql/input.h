#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::graphql {

class Input;

/// One key of an input object. `given`: the request wrote it; otherwise it is here by the schema's default.
struct InputField;
using InputObject = std::vector<InputField>;

/// An argument or input value after coercion: it fits its type. Enum values are strings. Never changes once made, so a
/// copy shares what it holds: a request may use one variable in thousands of fields.
class Input {
 public:
  Input();
  Input(bool value);
  Input(std::int64_t value);
  Input(double value);
  Input(std::string value);
  Input(std::vector<Input> items);
  Input(InputObject fields);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return shared<std::string>(); }
  const std::vector<Input>* as_list() const { return shared<std::vector<Input>>(); }
  const InputObject* as_object() const { return shared<InputObject>(); }

  /// The key of an object; null when it is no object or has no such key.
  const InputField* find(std::string_view key) const;

 private:
  template <class T>
  const T* shared() const {
    const auto* held = std::get_if<std::shared_ptr<const T>>(&data_);
    return held ? held->get() : nullptr;
  }

  std::variant<std::monostate, bool, std::int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const std::vector<Input>>, std::shared_ptr<const InputObject>>
      data_;
};

struct InputField {
  std::string name;
  Input value;
  bool given = true;
};

/// The arguments of a field.
class Args {
 public:
  Args() = default;
  explicit Args(InputObject fields) : fields_(std::move(fields)) {}

  /// Null when the argument is absent and has no default.
  const Input* find(std::string_view name) const;
  /// The text of an argument; empty when absent or null.
  std::string_view text(std::string_view name) const;

 private:
  InputObject fields_;
};

}  // namespace penstock::graphql
