#include "core/fleet/spread.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace penstock::core {

std::vector<int> pool_shares(std::size_t pools, int workers_max) {
  std::vector<int> shares(pools, 0);
  if (pools == 0) return shares;
  if (workers_max < kSpreadFrom || pools == 1) {
    shares.front() = workers_max;
    return shares;
  }
  // Weights 2^k ... 2, 1; beyond some thirty pools the rest weighs nothing.
  const auto weight = [&](std::size_t i) { return i < 30 ? std::int64_t{1} << (29 - i) : std::int64_t{0}; };
  std::int64_t whole = 0;
  for (std::size_t i = 0; i < pools; ++i) whole += weight(i);
  std::vector<std::size_t> order(pools);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const std::size_t i : order) shares[i] = static_cast<int>(workers_max * weight(i) / whole);
  // The largest remainder first, and of equal ones the earlier pool.
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(-(workers_max * weight(i) % whole), i); });
  int left = workers_max - std::accumulate(shares.begin(), shares.end(), 0);
  for (std::size_t i = 0; left > 0; ++i, --left) ++shares[order[i % pools]];
  return shares;
}

const std::string& next_pool(const std::vector<std::string>& pools, const std::map<std::string, int>& have,
                             int workers_max) {
  const auto shares = pool_shares(pools.size(), workers_max);
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const auto count = have.find(pools[i]);
    if ((count == have.end() ? 0 : count->second) < shares[i]) return pools[i];
  }
  return pools.front();
}

}  // namespace penstock::core
