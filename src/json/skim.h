#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace penstock::json {

/// The error for a text that is not JSON. `byte` counts from 0.
Error not_json(std::string_view what, std::size_t byte);

/// Reads over strict JSON (RFC 8259, valid UTF-8) in one pass and makes nothing of it. Each of its functions that
/// returns a bool moves past what it names; false: that is not there, and error() says why.
class Skimmer {
 public:
  /// At most `depth` arrays and objects inside each other.
  Skimmer(std::string_view text, std::size_t depth) : text_(text), depth_left_(depth) { space(); }

  /// The byte where it is, at first the first one that is no white space; 0 at the end of the text.
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool value();
  /// Nothing but white space is left.
  bool end();

  /// Calls `see(key, value)` for each member, `see(element)` for each element: their bytes as they stand in the text, a
  /// key with its quotes.
  template <class See>
  bool object(See&& see);
  template <class See>
  bool array(See&& see);

  Error error() const { return not_json(fault_, at_); }

 private:
  bool fail(std::string_view what) {
    fault_ = what;
    return false;
  }
  bool unexpected() { return fail(at_ < text_.size() ? "an unexpected byte" : "the text ends too early"); }
  bool take(char c) {
    if (next() != c) return unexpected();
    ++at_;
    return true;
  }
  void space();
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

  template <class Item>
  bool list(char close, Item&& item);

  bool string();
  void plain_characters();
  bool escape();
  bool wide_character();
  bool number();
  bool digits();
  bool word(std::string_view word);

  std::string_view text_;
  std::size_t depth_left_;
  std::size_t at_ = 0;
  std::string_view fault_;
};

inline void Skimmer::space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

/// What is between two brackets: `item` moves past one of the items between the commas.
template <class Item>
bool Skimmer::list(char close, Item&& item) {
  if (depth_left_ == 0) return fail("nested too deeply");
  --depth_left_;
  ++at_;
  space();
  if (next() != close) {
    while (true) {
      if (!item()) return false;
      space();
      if (next() == close) break;
      if (!take(',')) return false;
      space();
    }
  }
  ++at_;
  ++depth_left_;
  return true;
}

template <class See>
bool Skimmer::object(See&& see) {
  if (next() != '{') return unexpected();
  return list('}', [&] {
    const std::size_t key_begin = at_;
    if (!string()) return false;
    const std::string_view key = since(key_begin);
    space();
    if (!take(':')) return false;
    space();
    const std::size_t begin = at_;
    if (!value()) return false;
    see(key, since(begin));
    return true;
  });
}

template <class See>
bool Skimmer::array(See&& see) {
  if (next() != '[') return unexpected();
  return list(']', [&] {
    const std::size_t begin = at_;
    if (!value()) return false;
    see(since(begin));
    return true;
  });
}

}  // namespace penstock::json
