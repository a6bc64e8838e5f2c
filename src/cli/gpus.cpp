#include "cli/gpus.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace penstock::cli {
namespace {

std::string text_of(const json::Value& row, const char* key) {
  const json::Value* value = row.find(key);
  if (!value || value->is_null()) return "-";
  return value->as_string() ? *value->as_string() : json::write(*value);
}

bool is_true(const json::Value& row, const char* key) {
  const json::Value* value = row.find(key);
  return value && value->as_bool() && *value->as_bool();
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

std::vector<std::string> row_of(const json::Value& gpu) {
  const json::Value* quarantine = gpu.find("quarantine");
  std::string remark = quarantine && !quarantine->is_null() ? text_of(*quarantine, "reason") : text_of(gpu, "problem");
  if (is_true(gpu, "emulated")) remark = remark == "-" ? "emulated" : "emulated; " + remark;
  const json::Value* workers = gpu.find("workers");
  const std::size_t count = workers && workers->as_array() ? workers->as_array()->size() : 0;
  return {text_of(gpu, "id"),
          text_of(gpu, "state"),
          text_of(gpu, "node"),
          text_of(gpu, "pool"),
          text_of(gpu, "type"),
          text_of(gpu, "memoryUsedMb") + "/" + text_of(gpu, "memoryMb") + " MB",
          text_of(gpu, "utilizationPercent"),
          std::to_string(count),
          remark};
}

/// A UUID or node:index: nothing that has a meaning in a path.
bool is_gpu(const std::string& text) {
  return !text.empty() && text.find_first_of("/?#% ") == std::string::npos;
}

int change(const GpusFlags& flags, const char* what, const std::string& body) {
  if (!is_gpu(flags.gpu))
    return fail_with("\"" + flags.gpu + "\" is no GPU: `penstock gpus list` shows them", kExitUsage);
  const auto answer = ask(flags.server, "POST", "/penstock/v1/gpus/" + flags.gpu + "/" + what, body);
  return answer ? 0 : fail_with(answer.error().message, kExitFailed);
}

}  // namespace

int list_gpus(const GpusFlags& flags) {
  const auto answer = ask(flags.server, "GET", "/penstock/v1/gpus");
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) {
    std::printf("%s\n", json::write(*answer).c_str());
    return 0;
  }
  const json::Value* gpus = answer->find("gpus");
  if (!gpus || !gpus->as_array()) return fail_with("the server's answer has no gpus", kExitFailed);
  std::vector<std::vector<std::string>> rows = {
      {"GPU", "STATE", "NODE", "POOL", "TYPE", "MEMORY", "LOAD %", "WORKERS", "REMARK"}};
  for (const json::Value& gpu : *gpus->as_array()) rows.push_back(row_of(gpu));
  print_table(rows);
  return 0;
}

int quarantine_gpu(const GpusFlags& flags) {
  json::Object body;
  if (!flags.reason.empty()) body.emplace_back("reason", flags.reason);
  return change(flags, "quarantine", json::write(std::move(body)));
}

int release_gpu(const GpusFlags& flags) {
  return change(flags, "release", "");
}

}  // namespace penstock::cli
