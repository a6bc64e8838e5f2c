#include "cli/workers.h"

#include <cstdio>

#include "base/time.h"

namespace penstock::cli {
namespace {

std::string text_at(const json::Value& row, std::string_view key) {
  const json::Value* value = row.find(key);
  if (!value) return "";
  if (const auto* text = value->as_string()) return *text;
  if (const auto* number = value->as_int()) return std::to_string(*number);
  return "";
}

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

const json::Array& rows_at(const json::Value& answer, std::string_view key) {
  static const json::Array kNone;
  const json::Value* value = answer.find(key);
  const json::Array* rows = value ? value->as_array() : nullptr;
  return rows ? *rows : kNone;
}

}  // namespace

int list_workers(const ServerFlags& server, const std::string& endpoint, bool as_json) {
  const auto answer = ask(server, "GET", "/penstock/v1/endpoints/" + endpoint + "/workers");
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (as_json) {
    std::printf("%s\n", json::write(*answer).c_str());
    return 0;
  }
  std::printf("%-16s %-13s %5s %-10s %-10s %9s %9s\n", "WORKER", "STATUS", "JOBS", "POOL", "START", "READY ms",
              "JOB ms");
  for (const auto& worker : rows_at(*answer, "workers")) {
    const json::Value* found = worker.find("start");
    const json::Value start = found ? *found : json::Value();
    std::printf("%-16s %-13s %5s %-10s %-10s %9s %9s\n", text_at(worker, "id").c_str(),
                text_at(worker, "status").c_str(), text_at(worker, "jobs").c_str(), text_at(worker, "pool").c_str(),
                text_at(start, "kind").c_str(), between(start, "decidedAt", "firstPollAt").c_str(),
                between(start, "decidedAt", "firstJobAt").c_str());
  }
  const auto& kinds = rows_at(*answer, "coldStarts");
  if (kinds.empty()) return 0;
  std::printf("\ncold starts, p50/p95 in ms since the decision (first job: since the first poll)\n");
  std::printf("%-10s %6s %12s %12s %12s %12s %12s\n", "KIND", "COUNT", "PLACED", "LAUNCHED", "UP", "READY",
              "FIRST JOB");
  for (const auto& kind : kinds) {
    std::printf("%-10s %6s %12s %12s %12s %12s %12s\n", text_at(kind, "kind").c_str(), text_at(kind, "count").c_str(),
                quantiles(kind, "placed").c_str(), quantiles(kind, "launched").c_str(), quantiles(kind, "up").c_str(),
                quantiles(kind, "ready").c_str(), quantiles(kind, "firstJob").c_str());
  }
  return 0;
}

}  // namespace penstock::cli
