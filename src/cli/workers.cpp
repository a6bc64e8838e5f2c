#include "cli/workers.h"

#include <cstdio>

#include "base/time.h"
#include "cli/output.h"

namespace penstock::cli {
namespace {

/// From one instant of a start to another, in ms; a dash when one of them has not come.
std::string between(const json::Value& start, std::string_view from, std::string_view to) {
  const auto begin = parse_iso8601(text_at(start, from));
  const auto end = parse_iso8601(text_at(start, to));
  return begin && end ? std::to_string((*end - *begin).count()) : "-";
}

std::string quantiles(const json::Value& kind, std::string_view phase) {
  const json::Value* figures = kind.find(phase);
  if (!figures || text_at(*figures, "samples") == "0") return "-";
  return text_at(*figures, "p50Ms") + "/" + text_at(*figures, "p95Ms");
}

}  // namespace

int list_workers(const ServerFlags& server, const std::string& endpoint, bool as_json) {
  if (!check_id(endpoint)) return kExitUsage;
  const auto answer = ask(server, "GET", "/penstock/v1/endpoints/" + endpoint + "/workers");
  return show(answer, as_json, [](const json::Value& found) {
    std::vector<Row> workers{{"WORKER", "STATUS", "POOL", "START", "JOBS", "READY ms", "JOB ms"}};
    for (const json::Value& worker : items_at(found, "workers")) {
      const json::Value* known = worker.find("start");
      const json::Value start = known ? *known : json::Value();
      workers.push_back({text_at(worker, "id"), text_at(worker, "status"), text_at(worker, "pool"),
                         text_at(start, "kind"), text_at(worker, "jobs"), between(start, "decidedAt", "firstPollAt"),
                         between(start, "decidedAt", "firstJobAt")});
    }
    print_table(workers, 4);
    const json::Array& kinds = items_at(found, "coldStarts");
    if (kinds.empty()) return 0;
    std::printf("\ncold starts, p50/p95 in ms since the decision (first job: since the first poll)\n");
    std::vector<Row> starts{{"KIND", "COUNT", "PLACED", "LAUNCHED", "UP", "READY", "FIRST JOB"}};
    for (const json::Value& kind : kinds) {
      starts.push_back({text_at(kind, "kind"), text_at(kind, "count"), quantiles(kind, "placed"),
                        quantiles(kind, "launched"), quantiles(kind, "up"), quantiles(kind, "ready"),
                        quantiles(kind, "firstJob")});
    }
    print_table(starts, 1);
    return 0;
  });
}

}  // namespace penstock::cli
