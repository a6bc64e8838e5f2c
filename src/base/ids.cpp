#include "base/ids.h"

#include <algorithm>
#include <array>

namespace penstock {

namespace {

constexpr auto kIsOfId = [] {
  std::array<bool, 256> is{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")) {
    is[static_cast<unsigned char>(c)] = true;
  }
  return is;
}();

}  // namespace

bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  return std::ranges::all_of(text, [](char c) { return kIsOfId[static_cast<unsigned char>(c)]; });
}

}  // namespace penstock
