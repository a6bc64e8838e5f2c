#pragma once

#include <map>
#include <string>
#include <vector>

namespace penstock::core {

/// From this many workersMax on, workers are spread over the pools of gpuIds (contract/data-plane 3.1).
inline constexpr int kSpreadFrom = 5;

/// How many of `workers_max` workers are for each of `pools`, in their order: each pool has half of what the one before
/// it has, so most are for the first. They add up.
std::vector<int> pool_shares(std::size_t pools, int workers_max);

/// The pool for the next worker: the first that has less than its share, or else the first of all. `have` counts the
/// workers in each. The others are only its substitutes.
const std::string& next_pool(const std::vector<std::string>& pools, const std::map<std::string, int>& have,
                             int workers_max);

}  // namespace penstock::core
