#include "cli/why.h"

#include <cstdio>

#include "base/ids.h"

namespace penstock::cli {
namespace {

void print_list(const json::Value& answer, const char* name, const char* title) {
  const json::Value* list = answer.find(name);
  if (!list || !list->as_array() || list->as_array()->empty()) return;
  std::printf("\n%s\n", title);
  for (const json::Value& line : *list->as_array()) {
    if (const std::string* text = line.as_string()) std::printf("  - %s\n", text->c_str());
  }
}

/// Ids of jobs have dashes, those of endpoints that a server made have none; who restored others asks twice.
Result<json::Value> explain(const WhyFlags& flags) {
  const bool job_first = flags.id.find('-') != std::string::npos;
  const std::string first = job_first ? "jobs" : "endpoints";
  const std::string second = job_first ? "endpoints" : "jobs";
  auto answer = ask(flags.server, "GET", "/penstock/v1/" + first + "/" + flags.id + "/why");
  if (answer || answer.error().code != Errc::not_found) return answer;
  auto other = ask(flags.server, "GET", "/penstock/v1/" + second + "/" + flags.id + "/why");
  if (other || other.error().code != Errc::not_found) return other;
  return answer;
}

}  // namespace

int why(const WhyFlags& flags) {
  if (!is_id(flags.id))
    return fail_with("\"" + flags.id + "\" is neither the id of a job nor of an endpoint", kExitUsage);
  const auto answer = explain(flags);
  if (!answer) return fail_with(answer.error().message, kExitFailed);
  if (flags.json) {
    std::printf("%s\n", json::write(*answer).c_str());
    return 0;
  }
  const json::Value* summary = answer->find("summary");
  if (!summary || !summary->as_string()) return fail_with("the server's answer has no summary", kExitFailed);
  std::printf("%s\n", summary->as_string()->c_str());
  print_list(*answer, "facts", "What holds:");
  print_list(*answer, "helps", "What would help:");
  return 0;
}

}  // namespace penstock::cli
