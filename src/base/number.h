#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace penstock {

/// A text that is a number and nothing else: no space, no plus sign, no prefix. Nothing when it is not, or does not
/// fit. `base`: of a whole number, when it is not 10.
template <class Number, class... Base>
std::optional<Number> parse_number(std::string_view text, Base... base) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, base...);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace penstock
