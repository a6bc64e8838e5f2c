#include "cli/worker_price.h"

#include "cli/output.h"

namespace penstock::cli {
namespace {

constexpr const char* kCharged[] = {"starting", "idle", "active"};

double charged_seconds(const json::Value& record, const char* of_what) {
  double sum = 0;
  for (const char* state : kCharged) sum += number_at(record.find(of_what), state).value_or(0);
  return sum;
}

/// Of a GPU; where workers have none, of a worker.
std::optional<double> price_of(const json::Value& usage, const std::string& pool) {
  return number_at(usage.find("prices"), pool);
}

std::vector<WorkerPrice::Pool> pools_of(const json::Value& usage) {
  std::vector<WorkerPrice::Pool> out;
  double all = 0;
  for (const json::Value& record : items_at(usage, "records")) all += charged_seconds(record, "workerSeconds");
  for (const json::Value& record : items_at(usage, "records")) {
    const std::string pool = text_at(record, "pool");
    const double seconds = charged_seconds(record, "workerSeconds");
    if (seconds <= 0) continue;
    const double gpu_seconds = charged_seconds(record, "gpuSeconds");
    const double units = gpu_seconds > 0 ? gpu_seconds / seconds : 1;
    out.push_back({pool, seconds / all, price_of(usage, pool).value_or(0) * units});
  }
  return out;
}

std::optional<WorkerPrice::Pool> first_pool(const json::Value& usage, const PricedPlace& place) {
  const auto price = price_of(usage, place.pool);
  if (!price) return std::nullopt;
  return WorkerPrice::Pool{place.pool, 1, *price * place.gpu_count};
}

std::string money(double amount) {
  return decimal(amount, kMoneyPlaces);
}

std::string percent(double part) {
  return decimal(part * 100, 1) + "%";
}

}  // namespace

Result<std::optional<WorkerPrice>> price_by_usage(const ServerFlags& server, const std::string& endpoint, Time from,
                                                  Time to, const PricedPlace& place) {
  // Usage is by the hour.
  const Time first = std::chrono::floor<std::chrono::hours>(from);
  const auto usage = ask(
      server, "GET",
      "/penstock/v1/usage?by=pool&endpoint=" + endpoint + "&from=" + iso8601(first) + "&to=" + iso8601(to + Millis{1}));
  if (!usage) return tl::unexpected<Error>(usage.error());
  WorkerPrice price;
  price.source = WorkerPrice::Source::usage;
  price.discount = number_at(&*usage, "discountFactor").value_or(0);
  price.pools = pools_of(*usage);
  if (price.pools.empty()) {
    const auto pool = first_pool(*usage, place);
    if (!pool) return std::optional<WorkerPrice>();
    price.source = WorkerPrice::Source::settings;
    price.pools.push_back(*pool);
  }
  for (const WorkerPrice::Pool& pool : price.pools) price.per_hour += pool.share * pool.per_hour;
  price.per_hour *= 1 - price.discount;
  return std::optional(std::move(price));
}

std::string in_words(const WorkerPrice& price) {
  std::string text = money(price.per_hour) + " for an hour of a worker";
  if (price.source == WorkerPrice::Source::flag) return text + ", as --price says";
  text += price.source == WorkerPrice::Source::usage ? ", by the server's prices where its workers were: "
                                                     : ", by the server's price where a worker would be placed first: ";
  for (const WorkerPrice::Pool& pool : price.pools) {
    if (&pool != &price.pools.front()) text += ", ";
    text += pool.name + " " + money(pool.per_hour);
    if (price.pools.size() > 1) text += " (" + percent(pool.share) + " of the time)";
  }
  if (price.discount > 0) text += "; less a discount of " + percent(price.discount);
  return text;
}

json::Value json_of(const WorkerPrice& price) {
  constexpr const char* kSources[] = {"flag", "usage", "settings"};
  json::Array pools;
  for (const WorkerPrice::Pool& pool : price.pools) {
    pools.push_back(json::Object{{"pool", pool.name}, {"share", pool.share}, {"perWorkerHour", pool.per_hour}});
  }
  return json::Object{{"perWorkerHour", price.per_hour},
                      {"from", kSources[static_cast<int>(price.source)]},
                      {"discountFactor", price.discount},
                      {"pools", std::move(pools)}};
}

}  // namespace penstock::cli
