#include "server/gpu_types.h"

#include <string_view>
#include <vector>

#include "base/text.h"
#include "core/control/gpu_pools.h"

namespace penstock::server {

Result<std::map<std::string, std::string>> parse_gpu_types(const std::string& text) {
  std::map<std::string, std::string> pools;
  for (const std::string_view part : split_list(text, ',')) {
    const auto sign = part.rfind('=');
    const auto pool = sign == std::string_view::npos ? part : trim(part.substr(sign + 1));
    if (sign == std::string_view::npos || sign == 0 || !core::find_gpu_pool(pool)) {
      std::vector<std::string_view> known;
      for (const auto& one : core::gpu_pools()) known.push_back(one.id);
      return fail(Errc::invalid,
                  "\"" + std::string(part) +
                      "\" is not accepted; <GPU type>=<pool>, separated by commas, is; pools: " + join(known, ", "));
    }
    pools[std::string(trim(part.substr(0, sign)))] = pool;
  }
  return pools;
}

}  // namespace penstock::server
