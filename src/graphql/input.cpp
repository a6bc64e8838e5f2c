#include "graphql/input.h"

namespace penstock::graphql {

Input::Input() = default;
Input::Input(bool value) : data_(value) {}
Input::Input(std::int64_t value) : data_(value) {}
Input::Input(double value) : data_(value) {}
Input::Input(std::string value) : data_(std::make_shared<const std::string>(std::move(value))) {}
Input::Input(std::vector<Input> items) : data_(std::make_shared<const std::vector<Input>>(std::move(items))) {}
Input::Input(InputObject fields) : data_(std::make_shared<const InputObject>(std::move(fields))) {}

const InputField* Input::find(std::string_view key) const {
  const InputObject* fields = as_object();
  if (!fields) return nullptr;
  for (const InputField& field : *fields) {
    if (field.name == key) return &field;
  }
  return nullptr;
}

const Input* Args::find(std::string_view name) const {
  for (const InputField& field : fields_) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

std::string_view Args::text(std::string_view name) const {
  const Input* found = find(name);
  const std::string* text = found ? found->as_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

}  // namespace penstock::graphql
