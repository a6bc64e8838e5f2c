#include "cli/fleet.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/ids.h"

namespace penstock::cli {
namespace {

using Row = std::vector<std::string>;

/// Columns as wide as they need; the first `texts` to the left, numbers to the right.
void print_table(const std::vector<Row>& rows, std::size_t texts) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i > 0 ? "  " : "") + (i < texts ? row[i] + space : space + row[i]);
    }
    std::printf("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
}

double number(const json::Value* value) {
  if (!value) return 0;
  if (const auto* whole = value->as_int()) return static_cast<double>(*whole);
  return value->as_double() ? *value->as_double() : 0;
}

std::string text(const json::Value* value) {
  if (!value || value->is_null()) return "";
  if (const std::string* string = value->as_string()) return *string;
  return json::write(*value);
}

std::string decimal(double value, int places) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", places, value);
  return buffer;
}

int print_json(const json::Value& value) {
  std::printf("%s\n", json::write(value).c_str());
  return 0;
}

bool is_known_id(const std::string& endpoint) {
  return !endpoint.empty() && is_id(endpoint);
}

int no_endpoint(const std::string& endpoint) {
  return fail_with("\"" + endpoint + "\" is no id of an endpoint", kExitUsage);
}

std::string changes_of(const json::Value& release) {
  std::string out;
  if (const std::string back = text(release.find("rollbackOf")); !back.empty()) out = "as release " + back;
  const json::Value* diff = release.find("diff");
  if (!diff || !diff->as_array()) return out;
  for (const json::Value& change : *diff->as_array()) {
    const json::Value* before = change.find("old");
    const json::Value* after = change.find("new");
    out += (out.empty() ? "" : "; ") + text(change.find("field")) + ": " + (before ? json::write(*before) : "null") +
           " -> " + (after ? json::write(*after) : "null");
  }
  return out;
}

}  // namespace

int releases(const ReleaseFlags& flags) {
  if (!is_known_id(flags.endpoint)) return no_endpoint(flags.endpoint);
  const auto answer = ask(flags.server, "GET", "/penstock/v1/endpoints/" + flags.endpoint + "/releases");
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) return print_json(*answer);
  std::vector<Row> rows{{"RELEASE", "WORKERS", "CREATED", "CHANGED"}};
  const json::Value* list = answer->find("releases");
  if (!list || !list->as_array()) return fail_with("the server's answer has no releases", kExitFailed);
  for (const json::Value& release : *list->as_array()) {
    rows.push_back({text(release.find("version")), text(release.find("workerCount")), text(release.find("createdAt")),
                    changes_of(release)});
  }
  print_table(rows, 4);
  return 0;
}

int rollback(const ReleaseFlags& flags) {
  if (!is_known_id(flags.endpoint)) return no_endpoint(flags.endpoint);
  const auto answer =
      ask(flags.server, "POST",
          "/penstock/v1/endpoints/" + flags.endpoint + "/releases/" + std::to_string(flags.version) + "/rollback");
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) return print_json(*answer);
  std::printf("endpoint %s is now at release %s, which is as release %d was\n", flags.endpoint.c_str(),
              text(answer->find("version")).c_str(), flags.version);
  return 0;
}

// ---------------------------------------------------------------- usage

int usage(const UsageFlags& flags) {
  if (!flags.endpoint.empty() && !is_id(flags.endpoint)) return no_endpoint(flags.endpoint);
  std::string path = "/penstock/v1/usage?";
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    path += std::string(name) + "=";
    for (const char c : value) {  // times have colons and may have a plus sign
      const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == ',';
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
      path += plain ? std::string(1, c) : std::string(escaped);
    }
    path += "&";
  };
  add("endpoint", flags.endpoint);
  add("from", flags.from);
  add("to", flags.to);
  add("by", flags.by);
  path.pop_back();
  const auto answer = ask(flags.server, "GET", path);
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) return print_json(*answer);
  const json::Value* records = answer->find("records");
  const json::Value* totals = answer->find("totals");
  if (!records || !records->as_array() || !totals) return fail_with("the server's answer has no records", kExitFailed);
  std::printf("from %s to %s; seconds of workers\n\n", text(answer->find("from")).c_str(),
              text(answer->find("to")).c_str());
  Row title;
  std::vector<Row> rows;
  const auto row_of = [&](const json::Value& record) {
    Row row;
    title.clear();
    for (const char* name : {"hour", "day", "endpointId", "pool"}) {
      const json::Value* value = records->as_array()->empty() ? nullptr : records->as_array()->front().find(name);
      if (!value) continue;
      title.emplace_back(name);
      row.push_back(text(record.find(name)));
    }
    const json::Value* seconds = record.find("workerSeconds");
    for (const char* state : {"starting", "idle", "active", "frozen"}) {
      title.emplace_back(state);
      row.push_back(decimal(number(seconds ? seconds->find(state) : nullptr), 1));
    }
    title.emplace_back("charged GPU s");
    row.push_back(decimal(number(record.find("chargedGpuSeconds")), 1));
    title.emplace_back("amount");
    row.push_back(decimal(number(record.find("amount")), 4));
    return row;
  };
  for (const json::Value& record : *records->as_array()) rows.push_back(row_of(record));
  Row all = row_of(*totals);
  if (title.size() > 6) all[0] = "all";
  const std::size_t texts = title.size() - 6;
  rows.insert(rows.begin(), title);
  rows.push_back(all);
  print_table(rows, texts);
  if (number(totals->find("fullAmount")) > number(totals->find("amount"))) {
    std::printf("\nwithout the discount: %s\n", decimal(number(totals->find("fullAmount")), 4).c_str());
  }
  return 0;
}

// ---------------------------------------------------------------- budgets

int budget(const BudgetFlags& flags) {
  if (!flags.endpoint.empty() && !is_id(flags.endpoint)) return no_endpoint(flags.endpoint);
  const std::string path =
      flags.endpoint.empty() ? "/penstock/v1/budget" : "/penstock/v1/endpoints/" + flags.endpoint + "/budget";
  const std::string& limit = flags.money.empty() ? flags.gpu_seconds : flags.money;
  if (flags.remove || !limit.empty()) {
    std::string body;
    if (!flags.remove) {
      body = "{\"perDay\":" + limit + ",\"unit\":\"" + (flags.money.empty() ? "gpuSeconds" : "money") +
             "\",\"onReached\":\"" + (flags.stop_workers ? "stopWorkers" : "keepWorkers") + "\"}";
      if (!json::parse(body)) return fail_with("\"" + limit + "\" is no number", kExitUsage);
    }
    const auto done = ask(flags.server, flags.remove ? "DELETE" : "PUT", path, body);
    if (!done) return fail_with(done.error().message, kExitFailed);
  }
  const auto answer = ask(flags.server, "GET", path);
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) return print_json(*answer);
  const std::string whose = flags.endpoint.empty() ? "the account" : "endpoint " + flags.endpoint;
  const json::Value* set = answer->find("budget");
  const json::Value* spent = answer->find("spentToday");
  if (!set || set->is_null()) {
    std::printf("%s has no budget\n", whose.c_str());
  } else {
    std::printf("%s may use %s a day (UTC), in %s; when that is reached: %s\n", whose.c_str(),
                decimal(number(set->find("perDay")), 2).c_str(), text(set->find("unit")).c_str(),
                text(set->find("onReached")).c_str());
  }
  std::printf("used today: %s GPU-seconds, %s in money\n",
              decimal(number(spent ? spent->find("gpuSeconds") : nullptr), 1).c_str(),
              decimal(number(spent ? spent->find("money") : nullptr), 4).c_str());
  return 0;
}

}  // namespace penstock::cli
