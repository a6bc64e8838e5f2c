#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/latency_histogram.h"
#include "net/http_server.h"

namespace penstock::api {

/// What the parts of a server have counted, beside what the core knows. Gathered when somebody asks.
struct ServerMetrics {
  net::HttpCounts http;
  std::size_t connections = 0;

  LatencyHistogram commits;  // from the start of a turn's commit until it was durable
  std::uint64_t records = 0;

  struct Store {
    std::uint64_t log_bytes = 0;     // that were appended
    std::uint64_t turns_behind = 0;  // in the log and not in the tables
    std::uint64_t bytes_behind = 0;
    double seconds_behind = 0;
    bool has_room = true;
  } store;

  struct Spans {
    std::uint64_t exported = 0;
    std::uint64_t dropped = 0;
    std::size_t waiting = 0;
  };
  std::optional<Spans> spans;  // when they are exported

  struct Process {
    std::uint64_t resident_bytes = 0;
    double cpu_seconds = 0;
    double started_seconds = 0;  // since 1970
  } process;
};

}  // namespace penstock::api
