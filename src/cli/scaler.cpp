#include "cli/scaler.h"

#include <cstdio>

#include "base/ids.h"

namespace penstock::cli {
namespace {

/// Instants have no other characters.
bool is_instant(const std::string& text) {
  return text.find_first_not_of("0123456789-:.TZ") == std::string::npos;
}

std::string text_of(const json::Value& value, const char* key) {
  const json::Value* found = value.find(key);
  return found && found->as_string() ? *found->as_string() : std::string();
}

}  // namespace

int scaler_log(const ScalerLogFlags& flags) {
  if (!is_id(flags.endpoint)) return fail_with("\"" + flags.endpoint + "\" is not the id of an endpoint", kExitUsage);
  for (const std::string& time : {flags.at, flags.from}) {
    if (is_instant(time)) continue;
    return fail_with("\"" + time + "\" is not an instant such as 2026-01-31T12:00:00Z", kExitUsage);
  }
  std::string path = "/penstock/v1/endpoints/" + flags.endpoint + "/decisions?limit=" + std::to_string(flags.limit);
  if (!flags.at.empty()) path += "&at=" + flags.at;
  if (!flags.from.empty()) path += "&from=" + flags.from;
  const auto answer = ask(flags.server, "GET", path);
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) {
    std::printf("%s\n", json::write(*answer).c_str());
    return 0;
  }
  const json::Value* list = answer->find("decisions");
  if (!list || !list->as_array()) return fail_with("the server's answer has no decisions", kExitFailed);
  for (const json::Value& one : *list->as_array()) {
    std::printf("%s  %s\n", text_of(one, "at").c_str(), text_of(one, "summary").c_str());
  }
  if (list->as_array()->empty()) std::printf("nothing is recorded\n");
  return 0;
}

}  // namespace penstock::cli
