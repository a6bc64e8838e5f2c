#include "api/worker/result.h"

#include "json/json.h"

namespace penstock::api {

Result<WorkerResult> read_result(std::string body) {
  std::optional<std::string_view> output;
  auto result = read_result(body, [&](std::string_view text) {
    output = text;
    return nullptr;
  });
  if (result && output) result->output = core::bytes_of(std::move(body), *output);
  return result;
}

Result<WorkerResult> read_result(std::string_view body, const KeepOutput& keep) {
  const auto members = json::split_object(body, json::kPayloadLimits);
  if (!members) return tl::unexpected<Error>(members.error());
  WorkerResult result;
  for (const auto& [key, value] : *members) {
    if (key == "output") {
      result.output = keep(value);
    } else if (key == "status") {
      result.progress = value == "\"IN_PROGRESS\"";
    } else if (key == "stopPod") {
      result.stop_worker = value == "true";
    } else if (key == "error") {
      const bool nothing = value == "null" || value == "false" || value == "\"\"";
      if (nothing) {
        result.error.reset();
      } else if (value.starts_with('"')) {
        const auto text = json::parse(value);
        if (!text) return tl::unexpected<Error>(text.error());
        result.error = *text->as_string();
      } else {
        result.error = std::string(value);
      }
    }
  }
  return result;
}

}  // namespace penstock::api
