#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/model/bytes.h"
#include "core/outcomes.h"
#include "net/http.h"

namespace penstock::api {

/// What a request asks of a worker (contract/data-plane 5).
struct OpenAiQuestion {
  std::string input;     // of the job
  bool streams = false;  // "stream": true
};

/// `route`: the path behind /openai. An empty body is a GET. Errors: invalid (the body is no JSON object).
Result<OpenAiQuestion> openai_question(std::string_view route, std::string_view body);

/// An error in the shape that OpenAI clients read. `retry` false tells them not to send the request again by
/// themselves.
net::Response openai_error(int status, std::string_view message, std::string_view type, std::string_view code,
                           bool retry = true);
net::Response openai_error(const Error& error);
net::Response openai_busy(const std::string& message, int retry_after_s);

/// A job that ended without a result: the status that vLLM gave if the error names one, else 500, or 504 when it ran
/// out of time.
net::Response openai_failure(const core::JobView& job);
/// The same once a stream has begun: one event.
std::string openai_failure_event(const core::JobView& job);

/// The JSON of `output` in a chunk, as the worker wrote it; nothing when there is none.
std::optional<std::string> chunk_output(const std::string& chunk);

/// The body of an answer that does not stream: the element of a list of one, or what there is. `chunks` stand in for an
/// output that has nothing.
std::string openai_body(const core::Bytes& output, const std::vector<core::Bytes>& chunks);

/// What is written of a yielded value to a client that streams: a text as it is, anything else as an event.
std::string stream_piece(std::string_view output);

/// The same of the output of a job that had no chunks.
std::string stream_of_output(const core::Bytes& output);

}  // namespace penstock::api
