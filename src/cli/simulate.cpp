#include "cli/simulate.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "cli/worker_price.h"
#include "server/what_if.h"

namespace penstock::cli {
namespace {

using server::Arrival;
using server::Figures;

constexpr int kPlotColumns = 60;
constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::int64_t whole_at(const json::Value* value, const char* key, double missing = 0) {
  return static_cast<std::int64_t>(number_at(value, key).value_or(missing));
}

std::optional<Time> time_of(const json::Value& value, const char* key) {
  return parse_iso8601(text_at(value, key));
}

/// What the server knows of the past.
struct History {
  server::ScalingSettings settings;
  PricedPlace place;
  std::vector<Arrival> arrivals;
  std::vector<Millis> delays;
  std::vector<server::WorkerChange> changes;
  std::vector<Time> starts;                // decided, one for each worker
  std::multimap<Time, Millis> start_took;  // by when the start was decided; of workers that became ready
};

/// All pages of a list, each given to `take`.
template <class Take>
Result<void> each_page(const ServerFlags& server, const std::string& path, const char* list, Take&& take) {
  std::string cursor;
  do {
    const auto page = ask(server, "GET", path + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) return tl::unexpected<Error>(page.error());
    const json::Value* items = page->find(list);
    if (!items || !items->as_array()) return fail(Errc::invalid, std::string("the server's answer has no ") + list);
    for (const json::Value& one : *items->as_array()) take(one);
    cursor = text_at(*page, "nextCursor");
  } while (!cursor.empty());
  return {};
}

Result<void> fetch_settings(const SimulateFlags& flags, History& history) {
  const json::Object body{{"query",
                           "query($id: String!) { myself { endpoint(id: $id) { scalerType scalerValue workersMin "
                           "workersMax idleTimeout gpuIds gpuCount instanceIds } } }"},
                          {"variables", json::Object{{"id", flags.endpoint}}}};
  const auto answer = ask(flags.server, "POST", "/graphql", json::write(body));
  if (!answer) return tl::unexpected<Error>(answer.error());
  const json::Value* at = &*answer;
  for (const char* key : {"data", "myself", "endpoint"}) {
    if (at) at = at->find(key);
  }
  if (!at || at->is_null()) return fail(Errc::not_found, "endpoint \"" + flags.endpoint + "\" not found");
  history.settings.emplace_back("scalerType", text_at(*at, "scalerType"));
  for (const char* key : {"scalerValue", "workersMin", "workersMax", "idleTimeout"}) {
    history.settings.emplace_back(key, std::to_string(whole_at(at, key)));
  }
  const bool is_cpu = !items_at(*at, "instanceIds").empty();
  history.place = {server::first_pool(text_at(*at, "gpuIds"), is_cpu),
                   is_cpu ? 1 : static_cast<int>(whole_at(at, "gpuCount", 1))};
  return {};
}

Result<void> fetch_jobs(const SimulateFlags& flags, const std::string& range, History& history) {
  std::vector<std::pair<Time, Arrival>> found;  // with when it was handed out
  const auto take = [&](const json::Value& job) {
    const auto created = time_of(job, "createdAt");
    const auto started = time_of(job, "startedAt");
    if (!created || (!started && text_at(job, "status") == "CANCELLED")) return;
    Arrival one{*created, std::nullopt, text_at(job, "priority")};
    if (one.priority.empty()) one.priority = "normal";
    if (started && number_at(&job, "executionTime")) one.execution = Millis{whole_at(&job, "executionTime")};
    found.emplace_back(started.value_or(Time::max()), std::move(one));
    if (started) history.delays.push_back(Millis{whole_at(&job, "delayTime")});
  };
  auto done = each_page(flags.server, "/v2/" + flags.endpoint + "/requests?limit=1000" + range, "requests", take);
  // Of those that came within one millisecond the one that was handed out first came first.
  std::ranges::sort(found, {}, [](const auto& one) { return std::pair(one.second.at, one.first); });
  for (auto& [started, one] : found) history.arrivals.push_back(std::move(one));
  return done;
}

Result<void> fetch_decisions(const SimulateFlags& flags, const std::string& range, History& history) {
  auto done = each_page(flags.server, "/penstock/v1/endpoints/" + flags.endpoint + "/decisions?limit=1000" + range,
                        "decisions", [&](const json::Value& one) {
                          const auto at = time_of(one, "at");
                          const json::Value* outcome = one.find("outcome");
                          const auto started = static_cast<int>(whole_at(outcome, "started"));
                          const auto stopped = static_cast<int>(whole_at(outcome, "stopped"));
                          if (!at) return;
                          if (const json::Value* ready = outcome ? outcome->find("readyAfterMs") : nullptr) {
                            for (const json::Value& took : *ready->as_array()) {
                              history.start_took.emplace(*at - Millis{*took.as_int()}, Millis{*took.as_int()});
                            }
                          }
                          if (started == 0 && stopped == 0) return;
                          history.changes.push_back({*at, started, stopped});
                          history.starts.insert(history.starts.end(), static_cast<std::size_t>(started), *at);
                        });
  std::ranges::reverse(history.changes);
  std::ranges::sort(history.starts);
  return done;
}

/// How long starts took, in the order of their decisions. One that led to no ready worker counts as the median.
std::vector<Millis> start_times(History& history) {
  std::vector<Millis> known;
  for (const auto& [start, took] : history.start_took) known.push_back(took);
  std::ranges::sort(known);
  const Millis median = known.empty() ? Millis{0} : known[known.size() / 2];
  std::vector<Millis> out;
  for (const Time start : history.starts) {
    const auto ready = history.start_took.find(start);
    out.push_back(ready == history.start_took.end() ? median : ready->second);
    if (ready != history.start_took.end()) history.start_took.erase(ready);
  }
  return out;
}

// ---------------------------------------------------------------- printing

struct Column {
  std::string name;
  Figures figures;
};

using Price = std::optional<WorkerPrice>;

double cost_of(const WorkerPrice& price, const Figures& figures) {
  return figures.worker_seconds / 3'600 * price.per_hour;
}

json::Value json_of(const Price& price, const Figures& f) {
  json::Array changes;
  for (const auto& change : f.changes) {
    changes.push_back(
        json::Object{{"at", iso8601(change.at)}, {"started", change.started}, {"stopped", change.stopped}});
  }
  return json::Object{{"jobs", f.jobs},
                      {"delayMs", json::Object{{"p50", std::int64_t{f.delay_p50.count()}},
                                               {"p95", std::int64_t{f.delay_p95.count()}},
                                               {"p99", std::int64_t{f.delay_p99.count()}}}},
                      {"coldStarts", f.cold_starts},
                      {"workerSeconds", f.worker_seconds},
                      {"cost", price ? json::Value(cost_of(*price, f)) : json::Value()},
                      {"workersMost", f.workers_most},
                      {"workers", std::move(changes)}};
}

void print_row(const char* name, const std::vector<Column>& columns,
               const std::function<std::string(const Figures&)>& cell) {
  std::printf("%-16s", name);
  for (const Column& column : columns) std::printf(" %16s", cell(column.figures).c_str());
  std::printf("\n");
}

std::string short_number(double value) {
  return decimal(value, value < 10 ? 2 : 0);
}

void print_table(const Price& price, const std::vector<Column>& columns) {
  std::printf("%-16s", "");
  for (const Column& column : columns) std::printf(" %16s", column.name.c_str());
  std::printf("\n");
  const auto seconds = [](Millis time) { return short_number(static_cast<double>(time.count()) / 1'000) + " s"; };
  print_row("jobs", columns, [](const Figures& f) { return std::to_string(f.jobs); });
  print_row("delay p50", columns, [&](const Figures& f) { return seconds(f.delay_p50); });
  print_row("delay p95", columns, [&](const Figures& f) { return seconds(f.delay_p95); });
  print_row("delay p99", columns, [&](const Figures& f) { return seconds(f.delay_p99); });
  print_row("cold starts", columns, [](const Figures& f) { return std::to_string(f.cold_starts); });
  print_row("worker-seconds", columns, [](const Figures& f) { return short_number(f.worker_seconds); });
  print_row("most workers", columns, [](const Figures& f) { return std::to_string(f.workers_most); });
  if (!price) return;
  print_row("cost", columns, [&](const Figures& f) { return decimal(cost_of(*price, f), kMoneyPlaces); });
  std::printf("\ncost: %s\n", in_words(*price).c_str());
}

void print_plot(const std::vector<Column>& columns, Time from, Time to) {
  int most = 1;
  for (const Column& column : columns) most = std::max(most, column.figures.workers_most);
  std::printf("\nworkers from %s to %s (highest bar: %d)\n", iso8601(from).c_str(), iso8601(to).c_str(), most);
  for (const Column& column : columns) {
    std::printf("%-12s|", column.name.c_str());
    for (const int count : server::workers_over_time(column.figures, from, to, kPlotColumns)) {
      std::printf("%s", kBars[(count * 8 + most - 1) / most]);
    }
    std::printf("|\n");
  }
}

/// Between which instants. What is not said: all that there is.
Result<void> choose_range(const SimulateFlags& flags, const History& history, server::Traffic& traffic) {
  const auto said = [](const std::string& text) { return parse_iso8601(text); };
  if (traffic.arrivals.empty()) {
    return fail(Errc::not_found,
                "no requests are there to replay: none came, or they were forgotten (jobs.retention_async_s)");
  }
  traffic.from = traffic.arrivals.front().at;
  if (flags.trace.empty() && !history.changes.empty())
    traffic.from = std::min(traffic.from, history.changes.front().at);
  traffic.to = traffic.arrivals.back().at;
  if (flags.trace.empty() && !history.changes.empty()) traffic.to = std::max(traffic.to, history.changes.back().at);
  if (const auto from = said(flags.from)) traffic.from = *from;
  if (const auto to = said(flags.to)) traffic.to = *to;
  return {};
}

Result<History> fetch(const SimulateFlags& flags) {
  History history;
  if (auto done = fetch_settings(flags, history); !done) return tl::unexpected<Error>(done.error());
  const std::string from = flags.from.empty() ? "" : flags.from;
  const std::string jobs_range =
      (from.empty() ? "" : "&createdAfter=" + from) + (flags.to.empty() ? "" : "&createdBefore=" + flags.to);
  if (auto done = fetch_jobs(flags, jobs_range, history); !done) return tl::unexpected<Error>(done.error());
  const std::string range = (from.empty() ? "" : "&from=" + from) + (flags.to.empty() ? "" : "&at=" + flags.to);
  if (auto done = fetch_decisions(flags, range, history); !done) return tl::unexpected<Error>(done.error());
  return history;
}

Result<Price> find_price(const SimulateFlags& flags, const server::Traffic& traffic, const PricedPlace& place) {
  if (flags.price < 0) return price_by_usage(flags.server, flags.endpoint, traffic.from, traffic.to, place);
  WorkerPrice said;
  said.per_hour = flags.price;
  return Price(said);
}

int show(const SimulateFlags& flags, const server::Traffic& traffic, const std::vector<Column>& columns,
         const server::ScalingSettings& settings, const Price& price) {
  if (!flags.json) {
    print_table(price, columns);
    print_plot(columns, traffic.from, traffic.to);
    return 0;
  }
  json::Object changed;
  for (const auto& [name, value] : settings) changed.emplace_back(name, value);
  json::Object out{{"endpointId", flags.endpoint},
                   {"from", iso8601(traffic.from)},
                   {"to", iso8601(traffic.to)},
                   {"settings", std::move(changed)},
                   {"price", price ? json_of(*price) : json::Value()}};
  for (const Column& column : columns) out.emplace_back(column.name, json_of(price, column.figures));
  std::printf("%s\n", json::write(std::move(out)).c_str());
  return 0;
}

}  // namespace

int simulate(const SimulateFlags& flags) {
  if (!check_id(flags.endpoint)) return kExitUsage;
  for (const std::string& time : {flags.from, flags.to}) {
    if (time.empty() || parse_iso8601(time)) continue;
    return fail_with("\"" + time + "\" is not an instant such as 2026-01-31T12:00:00Z", kExitUsage);
  }
  server::ScalingSettings none;
  for (const std::string& one : flags.set) {
    if (const auto good = server::set_scaling(none, one); !good)
      return fail_with("--set " + good.error().message, kExitUsage);
  }
  server::Traffic traffic;
  if (!flags.trace.empty()) {
    auto arrivals = server::read_trace(flags.trace);
    if (!arrivals) return fail_with(arrivals.error().message, kExitUsage);
    traffic.arrivals = std::move(*arrivals);
  }
  auto history = fetch(flags);
  if (!history) return fail_with(history.error().message, kExitFailed);
  traffic.starts = start_times(*history);
  if (flags.trace.empty()) traffic.arrivals = history->arrivals;
  if (auto ranged = choose_range(flags, *history, traffic); !ranged)
    return fail_with(ranged.error().message, kExitFailed);

  std::vector<Column> columns;
  if (flags.trace.empty())
    columns.push_back({"recorded", server::measure(history->delays, history->changes, traffic.to)});
  server::ScalingSettings settings = history->settings;
  const auto as_it_is = server::simulate(traffic, settings);
  if (!as_it_is) return fail_with(as_it_is.error().message, kExitFailed);
  columns.push_back({"simulated", *as_it_is});
  for (const std::string& one : flags.set) (void)server::set_scaling(settings, one);
  if (!flags.set.empty()) {
    const auto other = server::simulate(traffic, settings);
    if (!other) return fail_with("--set: " + other.error().message, kExitUsage);
    columns.push_back({"changed", *other});
  }
  const auto price = find_price(flags, traffic, history->place);
  if (!price) return fail_with(price.error().message, kExitFailed);
  return show(flags, traffic, columns, settings, *price);
}

}  // namespace penstock::cli
