#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::core {

/// A serverless GPU tier and the GPU types in it (contract/control-plane 2.4).
struct GpuPool {
  std::string_view id;
  int memory_gb;
  std::vector<std::string_view> gpu_types;
};

/// The eleven pools, in the order in which errors list them.
const std::vector<GpuPool>& gpu_pools();
const GpuPool* find_gpu_pool(std::string_view id);
/// The pool that a GPU type belongs to; null when none does.
const GpuPool* pool_of_gpu_type(std::string_view gpu_type);

/// A parsed `gpuIds`: pools in order of preference, GPU types that are not wanted.
struct GpuSelection {
  std::vector<std::string> pools;
  std::vector<std::string> excluded_types;
  std::string text;  // tokens trimmed, order kept: what is stored and returned
};

/// `AMPERE_16,-NVIDIA RTX A4500`. Empty text gives an empty selection. Errors: invalid (an unknown pool, or nothing
/// left after the exclusions).
Result<GpuSelection> parse_gpu_ids(std::string_view text);

}  // namespace penstock::core
