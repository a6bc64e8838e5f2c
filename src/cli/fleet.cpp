#include "cli/fleet.h"

#include <cctype>
#include <cstdio>
#include <vector>

#include "cli/output.h"

namespace penstock::cli {
namespace {

std::string changes_of(const json::Value& release) {
  std::string out;
  if (const std::string back = text_at(release, "rollbackOf"); !back.empty()) out = "as release " + back;
  for (const json::Value& change : items_at(release, "diff")) {
    const json::Value* before = change.find("old");
    const json::Value* after = change.find("new");
    out += (out.empty() ? "" : "; ") + text_at(change, "field") + ": " + (before ? json::write(*before) : "null") +
           " -> " + (after ? json::write(*after) : "null");
  }
  return out;
}

}  // namespace

int releases(const ReleaseFlags& flags) {
  if (!check_id(flags.endpoint)) return kExitUsage;
  const auto answer = ask(flags.server, "GET", "/penstock/v1/endpoints/" + flags.endpoint + "/releases");
  return show(answer, flags.json, [](const json::Value& found) {
    std::vector<Row> rows{{"RELEASE", "WORKERS", "CREATED", "CHANGED"}};
    for (const json::Value& release : items_at(found, "releases")) {
      rows.push_back({text_at(release, "version"), text_at(release, "workerCount"), text_at(release, "createdAt"),
                      changes_of(release)});
    }
    print_table(rows);
    return 0;
  });
}

int rollback(const ReleaseFlags& flags) {
  if (!check_id(flags.endpoint)) return kExitUsage;
  const auto answer =
      ask(flags.server, "POST",
          "/penstock/v1/endpoints/" + flags.endpoint + "/releases/" + std::to_string(flags.version) + "/rollback");
  return show(answer, flags.json, [&](const json::Value& done) {
    std::printf("endpoint %s is now at release %s, which is as release %d was\n", flags.endpoint.c_str(),
                text_at(done, "version").c_str(), flags.version);
    return 0;
  });
}

// ---------------------------------------------------------------- usage

namespace {

int print_usage(const json::Value& answer) {
  const json::Array& records = items_at(answer, "records");
  const json::Value* totals = answer.find("totals");
  if (!totals) return fail_with("the server's answer has no totals", kExitFailed);
  std::printf("from %s to %s; seconds of workers\n\n", text_at(answer, "from").c_str(), text_at(answer, "to").c_str());
  Row title;
  for (const char* name : {"hour", "day", "endpointId", "pool"}) {
    if (!records.empty() && records.front().find(name)) title.emplace_back(name);
  }
  const std::size_t texts = title.size();
  const auto row_of = [&](const json::Value& record) {
    Row row;
    for (std::size_t i = 0; i < texts; ++i) row.push_back(text_at(record, title[i]));
    const json::Value* seconds = record.find("workerSeconds");
    for (const char* state : {"starting", "idle", "active", "frozen"}) {
      row.push_back(decimal(number_at(seconds, state).value_or(0), 1));
    }
    row.push_back(decimal(number_at(&record, "chargedGpuSeconds").value_or(0), 1));
    row.push_back(decimal(number_at(&record, "amount").value_or(0), kMoneyPlaces));
    return row;
  };
  std::vector<Row> rows;
  for (const json::Value& record : records) rows.push_back(row_of(record));
  rows.push_back(row_of(*totals));
  if (texts > 0) rows.back()[0] = "all";
  for (const char* name : {"starting", "idle", "active", "frozen", "charged GPU s", "amount"}) title.emplace_back(name);
  rows.insert(rows.begin(), title);
  print_table(rows, texts);
  if (number_at(totals, "fullAmount").value_or(0) > number_at(totals, "amount").value_or(0)) {
    std::printf("\nwithout the discount: %s\n",
                decimal(number_at(totals, "fullAmount").value_or(0), kMoneyPlaces).c_str());
  }
  return 0;
}

}  // namespace

int usage(const UsageFlags& flags) {
  if (!flags.endpoint.empty() && !check_id(flags.endpoint)) return kExitUsage;
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
  return show(ask(flags.server, "GET", path), flags.json, print_usage);
}

// ---------------------------------------------------------------- budgets

int budget(const BudgetFlags& flags) {
  if (!flags.endpoint.empty() && !check_id(flags.endpoint)) return kExitUsage;
  const std::string path =
      flags.endpoint.empty() ? "/penstock/v1/budget" : "/penstock/v1/endpoints/" + flags.endpoint + "/budget";
  const std::string& limit = flags.money.empty() ? flags.gpu_seconds : flags.money;
  if (flags.remove || !limit.empty()) {
    std::string body;
    if (!flags.remove) {
      const auto value = json::parse(limit);
      if (!value || (!value->as_int() && !value->as_double())) {
        return fail_with("\"" + limit + "\" is no number", kExitUsage);
      }
      body = "{\"perDay\":" + limit + ",\"unit\":\"" + (flags.money.empty() ? "gpuSeconds" : "money") +
             "\",\"onReached\":\"" + (flags.stop_workers ? "stopWorkers" : "keepWorkers") + "\"}";
    }
    const auto done = ask(flags.server, flags.remove ? "DELETE" : "PUT", path, body);
    if (!done) return fail_with(done.error().message, kExitFailed);
  }
  return show(ask(flags.server, "GET", path), flags.json, [&](const json::Value& answer) {
    const std::string whose = flags.endpoint.empty() ? "the account" : "endpoint " + flags.endpoint;
    const json::Value* set = answer.find("budget");
    const json::Value* spent = answer.find("spentToday");
    if (!set || set->is_null()) {
      std::printf("%s has no budget\n", whose.c_str());
    } else {
      std::printf("%s may use %s a day (UTC), in %s; when that is reached: %s\n", whose.c_str(),
                  decimal(number_at(set, "perDay").value_or(0), 2).c_str(), text_at(*set, "unit").c_str(),
                  text_at(*set, "onReached").c_str());
    }
    std::printf("used today: %s GPU-seconds, %s in money\n",
                decimal(number_at(spent, "gpuSeconds").value_or(0), 1).c_str(),
                decimal(number_at(spent, "money").value_or(0), kMoneyPlaces).c_str());
    return 0;
  });
}

}  // namespace penstock::cli
