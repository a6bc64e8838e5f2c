#include "json/skim.h"

#include <string>

#include "json/json.h"

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

constexpr std::size_t kMembersUsual = 4;

}  // namespace

Error not_json(std::string_view what, std::size_t byte) {
  return {Errc::invalid, "not valid JSON: " + std::string(what) + " at byte " + std::to_string(byte)};
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

Result<void> check(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.value() && skimmer.end()) return {};
  return tl::unexpected<Error>(skimmer.error());
}

Result<std::vector<RawMember>> split_object(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.next() != '{') {
    if (auto checked = check(text, limits); !checked) return tl::unexpected<Error>(std::move(checked.error()));
    return fail(Errc::invalid, "the JSON text is not an object: an object {...} is accepted");
  }
  std::vector<RawMember> members;
  members.reserve(kMembersUsual);
  const auto add = [&](std::string_view key, std::string_view value) { members.push_back({unescaped(key), value}); };
  if (!skimmer.object(add) || !skimmer.end()) return tl::unexpected<Error>(skimmer.error());
  return members;
}

Result<std::vector<std::string_view>> split_array(std::string_view text, ParseLimits limits) {
  Skimmer skimmer(text, limits.depth);
  if (skimmer.next() != '[') {
    if (auto checked = check(text, limits); !checked) return tl::unexpected<Error>(std::move(checked.error()));
    return fail(Errc::invalid, "the JSON text is not an array: an array [...] is accepted");
  }
  std::vector<std::string_view> elements;
  const auto add = [&](std::string_view element) { elements.push_back(element); };
  if (!skimmer.array(add) || !skimmer.end()) return tl::unexpected<Error>(skimmer.error());
  return elements;
}

}  // namespace penstock::json
