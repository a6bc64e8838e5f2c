#include "cli/gpus.h"

#include <cstdio>

#include "cli/output.h"

namespace penstock::cli {
namespace {

bool is_true(const json::Value& row, const char* key) {
  const json::Value* value = row.find(key);
  return value && value->as_bool() && *value->as_bool();
}

Row row_of(const json::Value& gpu) {
  const json::Value* quarantine = gpu.find("quarantine");
  std::string remark =
      quarantine && !quarantine->is_null() ? text_at(*quarantine, "reason", "-") : text_at(gpu, "problem", "-");
  if (is_true(gpu, "emulated")) remark = remark == "-" ? "emulated" : "emulated; " + remark;
  return {text_at(gpu, "id", "-"),
          text_at(gpu, "state", "-"),
          text_at(gpu, "node", "-"),
          text_at(gpu, "pool", "-"),
          text_at(gpu, "type", "-"),
          text_at(gpu, "memoryUsedMb", "-") + "/" + text_at(gpu, "memoryMb", "-") + " MB",
          text_at(gpu, "utilizationPercent", "-"),
          std::to_string(items_at(gpu, "workers").size()),
          remark};
}

/// A UUID or node:index: nothing that has a meaning in a path.
bool is_gpu(const std::string& text) {
  return !text.empty() && text.find_first_of("/?#% ") == std::string::npos;
}

int change(const GpusFlags& flags, const char* what, const char* done, const std::string& body = "") {
  if (!is_gpu(flags.gpu))
    return fail_with("\"" + flags.gpu + "\" is no GPU: `penstock gpus list` shows them", kExitUsage);
  const auto answer = ask(flags.server, "POST", "/penstock/v1/gpus/" + flags.gpu + "/" + what, body);
  return show(answer, flags.json, [&](const json::Value&) {
    std::printf("GPU %s is %s\n", flags.gpu.c_str(), done);
    return 0;
  });
}

}  // namespace

int list_gpus(const GpusFlags& flags) {
  return show(ask(flags.server, "GET", "/penstock/v1/gpus"), flags.json, [](const json::Value& answer) {
    std::vector<Row> rows = {{"GPU", "STATE", "NODE", "POOL", "TYPE", "MEMORY", "LOAD %", "WORKERS", "REMARK"}};
    for (const json::Value& gpu : items_at(answer, "gpus")) rows.push_back(row_of(gpu));
    print_table(rows);
    return 0;
  });
}

int quarantine_gpu(const GpusFlags& flags) {
  json::Object body;
  if (!flags.reason.empty()) body.emplace_back("reason", flags.reason);
  return change(flags, "quarantine", "quarantined: no worker gets it until it is released",
                json::write(std::move(body)));
}

int release_gpu(const GpusFlags& flags) {
  return change(flags, "release", "released: workers may get it again");
}

}  // namespace penstock::cli
