#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/target.h"

using namespace penstock;

// No target crashes; what is accepted has a path that begins as a path does and is never longer than what was sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string path;
  net::Fields query;
  const auto split = net::split_target(text, path, query);
  if (!split) {
    ENSURE(split.error().code == Errc::invalid);
    return 0;
  }
  ENSURE(path == "*" || path.starts_with('/'));
  std::size_t total = path.size();
  for (std::size_t i = 0; i < query.size(); ++i) total += query[i].name.size() + query[i].value.size();
  ENSURE(total <= text.size() + 1);
  return 0;
}
