#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::net {

/// Names and values in the order they came, repeated names kept: the headers of a request, or its query. All of them
/// lie in one text, so that they cost two allocations, however many there are.
class Fields {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;

    friend bool operator==(const Field&, const Field&) = default;
  };

  Fields() = default;
  Fields(std::initializer_list<Field> fields);

  void reserve(std::size_t count, std::size_t bytes);
  void add(std::string_view name, std::string_view value);
  /// Instead of add(), for fields that lie in one text: a copy of it, which may be changed in its place, and then where
  /// in it the fields are.
  std::span<char> copy(std::string_view text);
  void add_copied(std::string_view name, std::string_view value);
  void clear();  // keeps memory for the next ones, unless it is much

  std::size_t size() const { return places_.size(); }
  std::size_t memory() const { return text_.capacity() + places_.capacity() * sizeof(Place); }
  bool empty() const { return places_.empty(); }

  /// What it returns, and find() and copy() too, is good until the next add() or copy().
  Field operator[](std::size_t index) const;
  /// The value of the first with this name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  friend bool operator==(const Fields& a, const Fields& b);

 private:
  /// Where a field lies in the text.
  struct Place {
    std::size_t name;
    std::size_t name_size;
    std::size_t value;
    std::size_t value_size;
  };

  Field field_at(const Place& place) const;

  std::string text_;
  std::vector<Place> places_;
};

}  // namespace penstock::net
