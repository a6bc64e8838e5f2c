#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/target.h"

using namespace penstock;

// No target crashes; what is accepted has a path that begins as a path does and is never longer than what was sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = net::split_target(text);
  if (!target) {
    ENSURE(target.error().code == Errc::invalid);
    return 0;
  }
  ENSURE(target->path == "*" || target->path.starts_with('/'));
  std::size_t total = target->path.size();
  for (const auto& [key, value] : target->query) total += key.size() + value.size();
  ENSURE(total <= text.size() + 1);
  return 0;
}
