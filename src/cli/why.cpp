#include "cli/why.h"

#include <cstdio>

#include "cli/output.h"

namespace penstock::cli {
namespace {

void print_list(const json::Value& answer, const char* name, const char* title) {
  const json::Array& lines = items_at(answer, name);
  if (!lines.empty()) std::printf("\n%s\n", title);
  for (const json::Value& line : lines) {
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
  if (!check_id(flags.id, "the id of a job or an endpoint")) return kExitUsage;
  return show(explain(flags), flags.json, [](const json::Value& answer) {
    std::printf("%s\n", text_at(answer, "summary").c_str());
    print_list(answer, "facts", "What holds:");
    print_list(answer, "helps", "What would help:");
    return 0;
  });
}

}  // namespace penstock::cli
