#include "cli/scaler.h"

#include <cstdio>

#include "cli/output.h"

namespace penstock::cli {
namespace {

/// Instants have no other characters.
bool is_instant(const std::string& text) {
  return text.find_first_not_of("0123456789-:.TZ") == std::string::npos;
}

}  // namespace

int scaler_log(const ScalerLogFlags& flags) {
  if (!check_id(flags.endpoint)) return kExitUsage;
  for (const std::string& time : {flags.at, flags.from}) {
    if (is_instant(time)) continue;
    return fail_with("\"" + time + "\" is not an instant such as 2026-01-31T12:00:00Z", kExitUsage);
  }
  std::string path = "/penstock/v1/endpoints/" + flags.endpoint + "/decisions?limit=" + std::to_string(flags.limit);
  if (!flags.at.empty()) path += "&at=" + flags.at;
  if (!flags.from.empty()) path += "&from=" + flags.from;
  return show(ask(flags.server, "GET", path), flags.json, [](const json::Value& answer) {
    const json::Array& decisions = items_at(answer, "decisions");
    for (const json::Value& one : decisions) {
      std::printf("%s  %s\n", text_at(one, "at").c_str(), text_at(one, "summary").c_str());
    }
    if (decisions.empty()) std::printf("nothing is recorded\n");
    return 0;
  });
}

}  // namespace penstock::cli
