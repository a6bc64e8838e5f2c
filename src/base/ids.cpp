#include "base/ids.h"

namespace penstock {

bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  bool is = true;  // of all, whatever the first ones are: many characters at a time
  for (const char c : text) {
    const char lower = static_cast<char>(c | 0x20);  // of a letter; nothing else becomes one
    is &= (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }
  return is;
}

}  // namespace penstock
