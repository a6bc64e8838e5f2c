#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/template.h"

namespace penstock::core {

struct Node;

/// "12.4", "550.54.14": numbers separated by points, compared one by one; what is missing counts as 0.
using Version = std::vector<int>;
std::optional<Version> parse_version(std::string_view text);
/// Less than 0, 0 or more than 0.
int compare(const Version& a, const Version& b);

/// "12.4,12.5": the smallest of the list. Nothing when it has a part that is no version, or none.
std::optional<Version> lowest_version(std::string_view list);

/// What a worker needs of the driver that it runs on.
struct CudaWish {
  Version floor;        // empty: none
  std::string require;  // NVIDIA_REQUIRE_CUDA of its image; empty: none

  bool any() const { return !floor.empty() || !require.empty(); }
};

/// From the endpoint's minCudaVersion and allowedCudaVersions, and from NVIDIA_REQUIRE_CUDA in the environment (unless
/// NVIDIA_DISABLE_REQUIRE is set there). A driver runs programs of every older CUDA too, so a list means its smallest
/// version and everything newer.
CudaWish cuda_wish(const std::optional<std::string>& min_version, const std::optional<std::string>& allowed_versions,
                   const std::vector<EnvVar>& env);

/// Whether GPUs of a type on a node do. A node that does not know its CUDA version does for every wish.
bool runs(const Node& node, std::string_view gpu_type, const CudaWish& wish);

/// NVIDIA_REQUIRE_CUDA: conditions such as `cuda>=12.4`, all of those joined by commas, any of those separated by
/// spaces. One that speaks of something unknown here does not hold.
bool meets_requirement(std::string_view require, const Node& node, std::string_view gpu_type);

/// For people: "CUDA 12.4 or newer". Empty when there is no wish.
std::string to_text(const CudaWish& wish);

}  // namespace penstock::core
