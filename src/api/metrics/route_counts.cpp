#include "api/metrics/route_counts.h"

#include <algorithm>

namespace penstock::api {

std::size_t RouteCounts::index_of(PathParts parts) {
  std::string_view name = "other";
  if (parts.size() >= 3 && parts[0] == "v2") name = parts[2];
  if (!parts.empty() && (parts[0] == "graphql" || parts[0] == "metrics")) name = parts[0];
  if (!parts.empty() && parts[0] == "penstock") name = "admin";
  const auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? kNames.size() - 1 : static_cast<std::size_t>(found - kNames.begin());
}

}  // namespace penstock::api
