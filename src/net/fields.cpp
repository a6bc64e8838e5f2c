#include "net/fields.h"

#include <algorithm>

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
  const std::size_t begin = text_.size();
  text_ += name;
  text_ += value;
  places_.push_back({begin, name.size(), begin + name.size(), value.size()});
}

std::span<char> Fields::copy(std::string_view text) {
  const std::size_t begin = text_.size();
  text_ += text;
  return std::span(text_).subspan(begin);
}

void Fields::add_copied(std::string_view name, std::string_view value) {
  const auto place = [this](std::string_view part) { return static_cast<std::size_t>(part.data() - text_.data()); };
  places_.push_back({place(name), name.size(), place(value), value.size()});
}

void Fields::clear() {
  text_.clear();
  places_.clear();
  if (memory() <= kKeptBytes) return;
  give_back(text_);
  places_ = std::vector<Place>();
}

Fields::Field Fields::operator[](std::size_t index) const {
  return field_at(places_[index]);
}

Fields::Field Fields::field_at(const Place& place) const {
  const char* const text = text_.data();
  return {{text + place.name, place.name_size}, {text + place.value, place.value_size}};
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Place& place : places_) {
    const Field field = field_at(place);
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(places_, [&](const Place& place) { return field_at(place).name == name; }));
}

bool operator==(const Fields& a, const Fields& b) {
  return std::ranges::equal(a.places_, b.places_, [&](const Fields::Place& of_a, const Fields::Place& of_b) {
    return a.field_at(of_a) == b.field_at(of_b);
  });
}

}  // namespace penstock::net
