#include "core/control/gpu_pools.h"

#include <algorithm>

#include "base/text.h"

namespace penstock::core {

const std::vector<GpuPool>& gpu_pools() {
  static const std::vector<GpuPool> pools = {
      {"AMPERE_16",
       16,
       {"NVIDIA RTX A4000", "NVIDIA RTX A4500", "NVIDIA RTX 4000 Ada Generation", "NVIDIA RTX 2000 Ada Generation"}},
      {"AMPERE_24", 24, {"NVIDIA RTX A5000", "NVIDIA L4", "NVIDIA GeForce RTX 3090"}},
      {"ADA_24", 24, {"NVIDIA GeForce RTX 4090"}},
      {"ADA_32_PRO", 32, {"NVIDIA GeForce RTX 5090"}},
      {"AMPERE_48", 48, {"NVIDIA A40", "NVIDIA RTX A6000"}},
      {"ADA_48_PRO", 48, {"NVIDIA RTX 6000 Ada Generation", "NVIDIA L40", "NVIDIA L40S"}},
      {"AMPERE_80", 80, {"NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB"}},
      {"ADA_80_PRO", 80, {"NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe", "NVIDIA H100 NVL"}},
      {"BLACKWELL_96",
       96,
       {"NVIDIA RTX PRO 6000 Blackwell Server Edition", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
        "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition"}},
      {"HOPPER_141", 141, {"NVIDIA H200"}},
      {"BLACKWELL_180", 180, {"NVIDIA B200"}},
  };
  return pools;
}

const GpuPool* find_gpu_pool(std::string_view id) {
  for (const auto& pool : gpu_pools()) {
    if (pool.id == id) return &pool;
  }
  return nullptr;
}

const GpuPool* pool_of_gpu_type(std::string_view gpu_type) {
  for (const auto& pool : gpu_pools()) {
    if (std::ranges::find(pool.gpu_types, gpu_type) != pool.gpu_types.end()) return &pool;
  }
  return nullptr;
}

Result<GpuSelection> parse_gpu_ids(std::string_view text) {
  GpuSelection out;
  std::vector<std::string_view> ids;
  for (const auto& pool : gpu_pools()) ids.push_back(pool.id);
  const auto tokens = split_list(text, ',');
  for (const auto token : tokens) {
    if (token.starts_with('-')) {
      out.excluded_types.emplace_back(trim(token.substr(1)));
    } else if (find_gpu_pool(token)) {
      out.pools.emplace_back(token);
    } else {
      return fail(Errc::invalid, "Invalid GPU Pool ID: \"" + std::string(token.substr(0, 200)) +
                                     "\". The gpuIds field accepts a comma-separated list of GPU pool IDs (e.g. "
                                     "\"ADA_24,AMPERE_80\"). Valid pool IDs: " +
                                     join(ids, ", ") + ".");
    }
  }
  out.text = join(tokens, ",");
  if (tokens.empty()) return out;
  const bool something_left = std::ranges::any_of(out.pools, [&](const std::string& id) {
    return std::ranges::any_of(find_gpu_pool(id)->gpu_types, [&](std::string_view type) {
      return std::ranges::find(out.excluded_types, type) == out.excluded_types.end();
    });
  });
  if (!something_left) {
    return fail(Errc::invalid, "gpuIds \"" + out.text +
                                   "\" leaves no GPU type: name at least one pool with a type that is not excluded");
  }
  return out;
}

}  // namespace penstock::core
