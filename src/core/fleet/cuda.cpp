#include "core/fleet/cuda.h"

#include <algorithm>
#include <charconv>

namespace penstock::core {

std::optional<Version> parse_version(std::string_view text) {
  Version out;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (true) {
    int number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc{} || number < 0) return std::nullopt;
    out.push_back(number);
    if (parsed.ptr == end) return out;
    if (*parsed.ptr != '.') return std::nullopt;
    at = parsed.ptr + 1;
  }
}

int compare(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const int left = i < a.size() ? a[i] : 0;
    const int right = i < b.size() ? b[i] : 0;
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

}  // namespace penstock::core
