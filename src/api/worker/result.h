#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/model/bytes.h"

namespace penstock::api {

/// What a worker posts to job-done (contract/data-plane 2.5, 2.7).
struct WorkerResult {
  bool progress = false;             // {"status":"IN_PROGRESS"}: the job goes on
  core::Bytes output;                // the worker's own bytes; null: none
  std::optional<std::string> error;  // a string verbatim, any other JSON as its text
  bool stop_worker = false;          // stopPod
};

/// Errors: invalid (not one strict JSON object; Python's bare NaN is none).
Result<WorkerResult> read_result(std::string body);

/// The same, with the output made of its text by `keep`; the text lies in `body`.
using KeepOutput = std::function<core::Bytes(std::string_view)>;
Result<WorkerResult> read_result(std::string_view body, const KeepOutput& keep);

}  // namespace penstock::api
