#include "net/fields.h"

#include "base/text.h"

namespace penstock::net {
namespace {

constexpr std::size_t kKeptBytes = 4 * 1024;

}  // namespace

Fields::Fields(std::initializer_list<Field> fields) {
  for (const Field& field : fields) add(field.name, field.value);
}

void Fields::reserve(std::size_t count, std::size_t bytes) {
  places_.reserve(count);
  text_.reserve(bytes);
}

void Fields::add(std::string_view name, std::string_view value) {
  text_ += name;
  const std::size_t name_end = text_.size();
  text_ += value;
  places_.push_back({name_end, text_.size()});
}

Fields::Field Fields::add_lower(std::string_view name, std::string_view value) {
  const std::size_t begin = text_.size();
  add(name, value);
  char* const at = text_.data() + begin;
  // Without a branch, so that the compiler takes sixteen at a time.
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_upper = static_cast<unsigned char>(at[i] - 'A') < 26;
    at[i] = static_cast<char>(at[i] | (is_upper ? 'a' - 'A' : 0));
  }
  return {{at, name.size()}, {at + name.size(), value.size()}};
}

void Fields::clear() {
  text_.clear();
  places_.clear();
  if (memory() <= kKeptBytes) return;
  give_back(text_);
  places_ = std::vector<Place>();
}

Fields::Field Fields::operator[](std::size_t index) const {
  const std::string_view text = text_;
  const std::size_t begin = index == 0 ? 0 : places_[index - 1].end;
  const auto [name_end, end] = places_[index];
  return {text.substr(begin, name_end - begin), text.substr(name_end, end - name_end)};
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  const std::string_view text = text_;
  std::size_t begin = 0;
  for (const auto& [name_end, end] : places_) {
    if (text.substr(begin, name_end - begin) == name) return text.substr(name_end, end - name_end);
    begin = end;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < size(); ++i) count += (*this)[i].name == name ? 1 : 0;
  return count;
}

}  // namespace penstock::net
