#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/path_parts.h"

namespace penstock::api {

/// Requests by what they asked for: one of a fixed list of names, so that nothing a client sends makes a new one.
class RouteCounts {
 public:
  static constexpr std::array<std::string_view, 23> kNames = {
      "run",        "runsync",  "status", "status-sync", "stream", "cancel",   "retry",          "purge-queue",
      "health",     "requests", "batch",  "result",      "openai", "job-take", "job-take-batch", "job-done",
      "job-stream", "job-stop", "ping",   "graphql",     "admin",  "metrics",  "other"};

  /// `parts`: the path between slashes.
  void add(PathParts parts) { ++counts_[index_of(parts)]; }

  std::uint64_t count(std::size_t index) const { return counts_[index]; }

  static std::size_t index_of(PathParts parts);

 private:
  std::array<std::uint64_t, kNames.size()> counts_{};
};

}  // namespace penstock::api
