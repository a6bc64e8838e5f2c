#include "api/fleet/fleet_text.h"

#include <charconv>
#include <cmath>
#include <map>
#include <tuple>

#include "base/text.h"

namespace penstock::api {
namespace {

constexpr Millis kDefaultSpan{30LL * 86'400'000};
constexpr double kThousand = 1'000;
constexpr double kMillion = 1'000'000;
constexpr double kBudgetMax = 1e12;
constexpr const char* kStates[] = {"starting", "idle", "active", "frozen"};

/// Numbers stay numbers.
json::Value setting(const std::string& field, const std::optional<std::string>& text) {
  if (!text) return {};
  if (field == "gpuCount" || field == "template.containerDiskInGb") {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
    if (parsed.ec == std::errc{}) return number;
  }
  return *text;
}

/// What one line of the answer is about.
using Group = std::tuple<std::string, std::string, std::string>;  // time, endpoint, pool

struct Sums {
  std::array<std::int64_t, core::kUsageStates> worker_ms{};
  std::array<std::int64_t, core::kUsageStates> gpu_ms{};
  double amount = 0;
  double full_amount = 0;  // without the discount

  void add(const core::UsageRow& row) {
    for (std::size_t i = 0; i < core::kUsageStates; ++i) {
      worker_ms[i] += row.worker_ms[i];
      gpu_ms[i] += row.gpu_ms[i];
    }
    amount += row.cost();
    core::UsageRow full = row;
    full.discount = 0;
    full_amount += full.cost();
  }
};

json::Object seconds(const std::array<std::int64_t, core::kUsageStates>& ms) {
  json::Object out;
  for (std::size_t i = 0; i < core::kUsageStates; ++i) {
    out.emplace_back(kStates[i], static_cast<double>(ms[i]) / kThousand);
  }
  return out;
}

/// To a millionth: what is shown is what adds up.
double rounded(double amount) {
  return std::round(amount * kMillion) / kMillion;
}

void add(json::Object& out, const Sums& sums) {
  out.emplace_back("workerSeconds", seconds(sums.worker_ms));
  out.emplace_back("gpuSeconds", seconds(sums.gpu_ms));
  const std::int64_t charged = sums.gpu_ms[0] + sums.gpu_ms[1] + sums.gpu_ms[2];
  out.emplace_back("chargedGpuSeconds", static_cast<double>(charged) / kThousand);
  out.emplace_back("fullAmount", rounded(sums.full_amount));
  out.emplace_back("amount", rounded(sums.amount));
}

Result<Time> time_of(const net::Request& request, const char* name, Time otherwise) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return otherwise;
  const auto time = parse_iso8601(text->size() == 10 ? std::string(*text) + "T00:00:00Z" : std::string(*text));
  if (time) return *time;
  return fail(Errc::invalid, std::string(name) + " is \"" + std::string(text->substr(0, 60)) +
                                 "\"; a time such as 2027-01-31T00:00:00Z, or a day such as 2027-01-31, is accepted");
}

}  // namespace

json::Object release_object(const core::Release& release, int workers) {
  json::Array diff;
  for (const core::SettingChange& change : release.changes) {
    diff.emplace_back(json::Object{{"field", change.field},
                                   {"old", setting(change.field, change.before)},
                                   {"new", setting(change.field, change.after)}});
  }
  json::Object out{{"id", release.endpoint.str() + "-" + std::to_string(release.version)},
                   {"version", release.version},
                   {"source", "MANUAL"},
                   {"workerCount", workers},
                   {"createdAt", iso8601(release.created)},
                   {"diff", std::move(diff)}};
  out.emplace_back("rollbackOf", release.rollback_of ? json::Value(*release.rollback_of) : json::Value());
  return out;
}

Result<UsageView> usage_view(const net::Request& request, const AccountId& owner, Time now) {
  UsageView view;
  view.query.owner = owner;
  const auto to = time_of(request, "to", now);
  if (!to) return tl::unexpected<Error>(to.error());
  const auto from = time_of(request, "from", *to - kDefaultSpan);
  if (!from) return tl::unexpected<Error>(from.error());
  if (*from >= *to) {
    return fail(Errc::invalid, "from (" + iso8601(*from) + ") is not before to (" + iso8601(*to) + ")");
  }
  view.query.from = *from;
  view.query.to = *to;
  if (const auto text = request.query_value("endpoint"); text && !text->empty()) {
    auto id = EndpointId::parse(*text);
    if (!id) return fail(Errc::invalid, "endpoint: " + id.error().message);
    view.query.endpoint = std::move(*id);
  }
  const auto by = request.query_value("by");
  for (const std::string_view part : split_list(by ? *by : "endpoint,pool", ',')) {
    if (part == "hour") {
      view.by_hour = true;
    } else if (part == "day") {
      view.by_day = true;
    } else if (part == "endpoint") {
      view.by_endpoint = true;
    } else if (part == "pool") {
      view.by_pool = true;
    } else {
      return fail(Errc::invalid, "by has \"" + std::string(part.substr(0, 60)) +
                                     "\"; hour, day, endpoint and pool, separated by commas, are accepted");
    }
  }
  return view;
}

json::Object usage_object(const UsageView& view, const std::vector<core::UsageRow>& rows, const core::Prices& prices,
                          Time now) {
  std::map<Group, Sums> groups;
  Sums all;
  for (const core::UsageRow& row : rows) {
    const Time begin = view.by_hour ? row.hour : std::chrono::floor<std::chrono::days>(row.hour);
    const bool by_time = view.by_hour || view.by_day;
    groups[Group(by_time ? iso8601(begin) : "", view.by_endpoint ? row.endpoint.str() : "",
                 view.by_pool ? row.pool : "")]
        .add(row);
    all.add(row);
  }
  json::Array records;
  for (const auto& [group, sums] : groups) {
    const auto& [time, endpoint, pool] = group;
    json::Object record;
    if (!time.empty()) record.emplace_back(view.by_hour ? "hour" : "day", time);
    if (!endpoint.empty()) record.emplace_back("endpointId", endpoint);
    if (!pool.empty()) record.emplace_back("pool", pool);
    add(record, sums);
    records.emplace_back(std::move(record));
  }
  json::Object totals;
  add(totals, all);
  json::Object per_hour;
  for (const auto& [pool, price] : prices.per_hour) {
    per_hour.emplace_back(pool, static_cast<double>(price) / kMillion);
  }
  return {{"from", iso8601(view.query.from)}, {"to", iso8601(view.query.to)},
          {"records", std::move(records)},    {"totals", std::move(totals)},
          {"prices", std::move(per_hour)},    {"discountFactor", core::discount_at(prices, now) / kMillion}};
}

json::Value budget_value(const core::Budget* budget) {
  if (!budget || !budget->per_day) return {};
  const double unit = budget->unit == core::BudgetUnit::money ? kMillion : kThousand;
  return json::Object{{"perDay", static_cast<double>(*budget->per_day) / unit},
                      {"unit", to_text(budget->unit)},
                      {"onReached", to_text(budget->action)}};
}

Result<core::Budget> read_budget(const std::string& body, const AccountId& owner, const EndpointId& endpoint) {
  const auto value = json::parse(body);
  if (!value) return tl::unexpected<Error>(value.error());
  if (!value->as_object()) return fail(Errc::invalid, "the body is no JSON object; {\"perDay\": 3600} is accepted");
  core::Budget out;
  out.owner = owner;
  out.endpoint = endpoint;
  std::optional<double> per_day;
  for (const auto& [name, member] : *value->as_object()) {
    const std::string* text = member.as_string();
    if (name == "perDay") {
      if (member.as_int()) per_day = static_cast<double>(*member.as_int());
      if (member.as_double()) per_day = *member.as_double();
    } else if (name == "unit") {
      const auto unit = text ? core::parse_budget_unit(*text) : std::nullopt;
      if (!unit) return fail(Errc::invalid, "unit: \"gpuSeconds\" and \"money\" are accepted");
      out.unit = *unit;
    } else if (name == "onReached") {
      const auto action = text ? core::parse_budget_action(*text) : std::nullopt;
      if (!action) return fail(Errc::invalid, "onReached: \"keepWorkers\" and \"stopWorkers\" are accepted");
      out.action = *action;
    } else {
      return fail(Errc::invalid,
                  "\"" + name.substr(0, 60) + "\" is not known; perDay, unit and onReached are accepted");
    }
  }
  if (!per_day || !(*per_day >= 0 && *per_day <= kBudgetMax)) {
    return fail(Errc::invalid, "perDay: a number from 0 to 1000000000000 is needed");
  }
  out.per_day =
      static_cast<std::int64_t>(std::llround(*per_day * (out.unit == core::BudgetUnit::money ? kMillion : kThousand)));
  return out;
}

}  // namespace penstock::api
