#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cli/client.h"
#include "json/json.h"

namespace penstock::cli {

/// What a worker costs for an hour.
struct WorkerPrice {
  /// Of the workers' time in one pool.
  struct Pool {
    std::string name;
    double share = 1;     // of the time that is charged
    double per_hour = 0;  // of a worker, without the discount
  };
  enum class Source { flag, usage, settings };

  double per_hour = 0;
  Source source = Source::flag;
  double discount = 0;      // the part of the server's prices that is taken off
  std::vector<Pool> pools;  // in which workers were, or would be; none with a price of the user's
};

/// Where a worker of the endpoint is placed first.
struct PricedPlace {
  std::string pool;
  int gpu_count = 1;
};

/// By the server's prices and discount as they are now: the pools in which the endpoint's workers were between these
/// instants, each by its share of their time; without any, the first pool that a worker would be placed in. Nothing:
/// the server has no price for it. Errors: as ask() has them.
Result<std::optional<WorkerPrice>> price_by_usage(const ServerFlags& server, const std::string& endpoint, Time from,
                                                  Time to, const PricedPlace& place);

/// For people: "0.6900 for an hour of a worker, ...".
std::string in_words(const WorkerPrice& price);
json::Value json_of(const WorkerPrice& price);

}  // namespace penstock::cli
