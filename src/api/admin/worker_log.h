#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "net/http.h"

namespace penstock::api {

inline constexpr std::size_t kLogLinesMax = 5'000;

/// Which lines of a worker's log to show.
struct LogWish {
  std::size_t tail = 100;    // the last ones
  std::optional<JobId> job;  // only those that the SDK printed for it (contract/data-plane 2.12)
};
/// From the query: tail, job. Errors: invalid.
Result<LogWish> read_log_wish(const net::Request& request);

std::vector<std::string> chosen_lines(std::vector<std::string> lines, const LogWish& wish);

}  // namespace penstock::api
