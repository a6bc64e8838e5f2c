#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/text.h"
#include "json/json.h"
#include "json/not_json.h"

namespace penstock::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Stands for itself in a string, in one byte.
bool is_plain(char c) {
  return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\';
}

/// The bytes of the UTF-8 character of two bytes or more that the text begins with (Unicode 3.9, table 3-7); 0: of
/// none.
std::size_t wide_character_size(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  const unsigned second = byte(1);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool is_shortest = lead != 0xe0 || second >= 0xa0;
    const bool is_surrogate = lead == 0xed && second >= 0xa0;
    return is_shortest && !is_surrogate && continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool is_shortest = lead != 0xf0 || second >= 0x90;
    const bool is_unicode = lead != 0xf4 || second < 0x90;
    return is_shortest && is_unicode && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/// A key as it is meant, from how it stands in a text that was read over.
std::string unescaped(std::string_view key) {
  if (key.find('\\') == std::string_view::npos) return std::string(key.substr(1, key.size() - 2));
  const Result<Value> read = parse(key);
  ENSURE(read.has_value());
  return *read->as_string();
}

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
  template <class See>
  bool seen_value(See&& see) {
    const std::size_t begin = at_;
    if (!value()) return false;
    see(since(begin));
    return true;
  }

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
    return seen_value([&](std::string_view text) { see(key, text); });
  });
}

template <class See>
bool Skimmer::array(See&& see) {
  if (next() != '[') return unexpected();
  return list(']', [&] { return seen_value(see); });
}

void Skimmer::space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

bool Skimmer::value() {
  switch (next()) {
    case '{':
      return object([](std::string_view, std::string_view) {});
    case '[':
      return array([](std::string_view) {});
    case '"':
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return number();
  }
}

bool Skimmer::end() {
  space();
  return at_ == text_.size() || fail("more text after the end of the value");
}

bool Skimmer::string() {
  if (!take('"')) return false;
  for (char c = next(); c != '"'; c = next()) {
    if (is_plain(c)) {
      plain_characters();
    } else if (c == '\\' ? !escape() : !wide_character()) {
      return false;
    }
  }
  ++at_;
  return true;
}

void Skimmer::plain_characters() {
  // Without a branch in the inner loop, so that the compiler takes many at a time.
  static constexpr std::size_t kStep = 32;
  for (; text_.size() - at_ >= kStep; at_ += kStep) {
    const char* const step = text_.data() + at_;
    bool plain = true;
    for (std::size_t i = 0; i < kStep; ++i) plain &= is_plain(step[i]);
    if (!plain) break;
  }
  while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
}

bool Skimmer::escape() {
  ++at_;
  const char c = next();
  if (c != 'u') {
    if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return unexpected();
    ++at_;
    return true;
  }
  ++at_;
  for (int i = 0; i < 4; ++i, ++at_) {
    if (at_ == text_.size()) return unexpected();
    if (!is_hex_digit(text_[at_])) return fail("an escape \\u without four hexadecimal digits");
  }
  return true;
}

bool Skimmer::wide_character() {
  const std::size_t size = wide_character_size(text_.substr(at_));
  if (size == 0) return unexpected();
  at_ += size;
  return true;
}

bool Skimmer::number() {
  if (next() == '-') ++at_;
  if (next() == '0') {
    ++at_;
  } else if (!digits()) {
    return false;
  }
  if (next() == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (next() == 'e' || next() == 'E') {
    ++at_;
    if (next() == '+' || next() == '-') ++at_;
    return digits();
  }
  return true;
}

bool Skimmer::digits() {
  if (!is_digit(next())) return unexpected();
  while (is_digit(next())) ++at_;
  return true;
}

bool Skimmer::word(std::string_view word) {
  return std::ranges::all_of(word, [this](char c) { return take(c); });
}

constexpr std::size_t kMembersUsual = 4;

/// For a text that does not begin as it should: it is no JSON, or JSON of another kind.
Error not_of_kind(std::string_view text, ParseLimits limits, std::string_view kind, std::string_view form) {
  if (auto checked = check(text, limits); !checked) return std::move(checked.error());
  std::string message = "the JSON text is not an ";
  append(message, kind, ": an ", kind, " ", form, " is accepted");
  return {Errc::invalid, std::move(message)};
}

}  // namespace

Error not_json(std::string_view what, std::size_t byte) {
  return {Errc::invalid, "not valid JSON: " + std::string(what) + " at byte " + std::to_string(byte)};
}

Result<void> check(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.value() && skimmer.end()) return {};
  return tl::unexpected<Error>(skimmer.error());
}

Result<std::vector<RawMember>> split_object(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.next() != '{') return tl::unexpected<Error>(not_of_kind(text, limits, "object", "{...}"));
  std::vector<RawMember> members;
  members.reserve(kMembersUsual);
  const auto add = [&](std::string_view key, std::string_view value) { members.push_back({unescaped(key), value}); };
  if (!skimmer.object(add) || !skimmer.end()) return tl::unexpected<Error>(skimmer.error());
  return members;
}

Result<std::vector<std::string_view>> split_array(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.next() != '[') return tl::unexpected<Error>(not_of_kind(text, limits, "array", "[...]"));
  std::vector<std::string_view> elements;
  const auto add = [&](std::string_view element) { elements.push_back(element); };
  if (!skimmer.array(add) || !skimmer.end()) return tl::unexpected<Error>(skimmer.error());
  return elements;
}

}  // namespace penstock::json
