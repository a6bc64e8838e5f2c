#include "api/openai/openai_text.h"

#include <charconv>

#include "api/answers.h"
#include "base/text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr std::string_view kWorkerError = "worker_error";
constexpr std::string_view kVllmStatus = "vLLM returned HTTP ";

std::string error_body(std::string_view message, std::string_view type, std::string_view code) {
  std::string body = "{\"error\":{\"message\":";
  json::write_string(body, message);
  body += ",\"type\":";
  json::write_string(body, type);
  body += ",\"param\":null,\"code\":";
  if (code.empty()) {
    body += "null";
  } else {
    json::write_string(body, code);
  }
  return body + "}}";
}

struct Kind {
  std::string_view type;
  std::string_view code;
};

Kind kind_of(Errc code) {
  switch (code) {
    case Errc::unauthenticated:
      return {"invalid_request_error", "invalid_api_key"};
    case Errc::forbidden:
      return {"invalid_request_error", "insufficient_permissions"};
    case Errc::not_found:
      return {"invalid_request_error", "not_found"};
    case Errc::busy:
      return {"rate_limit_error", "rate_limit_exceeded"};
    case Errc::invalid:
    case Errc::conflict:
    case Errc::key_reused:
    case Errc::too_large:
      return {"invalid_request_error", ""};
    case Errc::unavailable:
    case Errc::no_space:
    case Errc::not_implemented:
    case Errc::internal:
      break;
  }
  return {"server_error", ""};
}

std::string message_of(const core::JobView& job) {
  if (job.error) return *job.error;
  return "the job of this request is " + std::string(core::to_text(job.status));
}

int status_of(const core::JobView& job) {
  if (job.status == core::JobStatus::timed_out || (job.error && job.error->starts_with("job timed out"))) return 504;
  if (!job.error) return 500;
  const auto found = job.error->find(kVllmStatus);
  if (found == std::string::npos) return 500;
  const char* digits = job.error->data() + found + kVllmStatus.size();
  int status = 0;
  std::from_chars(digits, job.error->data() + job.error->size(), status);
  return status >= 400 && status <= 599 ? status : 500;
}

}  // namespace

Result<OpenAiQuestion> openai_question(std::string_view route, std::string_view body) {
  OpenAiQuestion question;
  question.input = "{\"openai_route\":";
  json::write_string(question.input, route);
  body = trim(body);
  if (!body.empty()) {
    const auto members = json::split_object(body, json::kPayloadLimits);
    if (!members) return fail(Errc::invalid, "the body is not accepted: " + members.error().message);
    for (const auto& [key, value] : *members) {
      if (key == "stream") question.streams = value == "true";
    }
    question.input.append(",\"openai_input\":").append(body);
  }
  question.input += '}';
  return question;
}

net::Response openai_error(int status, std::string_view message, std::string_view type, std::string_view code,
                           bool retry) {
  net::Response response = json_answer(error_body(message, type, code), status);
  if (!retry) response.headers.emplace_back("x-should-retry", "false");
  return response;
}

net::Response openai_error(const Error& error) {
  if (error.code == Errc::busy) return openai_busy(error.message, 1);
  const Kind kind = kind_of(error.code);
  return openai_error(http_status(error.code), error.message, kind.type, kind.code);
}

net::Response openai_busy(const std::string& message, int retry_after_s) {
  const Kind kind = kind_of(Errc::busy);
  net::Response response = openai_error(http_status(Errc::busy), message, kind.type, kind.code);
  response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return response;
}

net::Response openai_failure(const core::JobView& job) {
  return openai_error(status_of(job), message_of(job), kWorkerError, "", false);
}

std::string openai_failure_event(const core::JobView& job) {
  return "data: " + error_body(message_of(job), kWorkerError, "") + "\n\n";
}

std::optional<std::string> chunk_output(const std::string& chunk) {
  const auto members = json::split_object(chunk, json::kPayloadLimits);
  if (!members) return std::nullopt;
  for (const auto& [key, value] : *members) {
    if (key == "output") return std::string(value);
  }
  return std::nullopt;
}

std::string openai_body(const core::Bytes& output, const std::vector<core::Bytes>& chunks) {
  if (output && !output->starts_with('[')) return *output;
  if (output) {
    const auto elements = json::split_array(*output, json::kPayloadLimits);
    if (elements && elements->size() == 1) return std::string(elements->front());
    if (elements && !elements->empty()) return *output;
  }
  std::vector<std::string> yielded;
  for (const core::Bytes& chunk : chunks) {
    if (auto value = chunk_output(*chunk)) yielded.push_back(std::move(*value));
  }
  if (yielded.size() == 1) return std::move(yielded.front());
  if (!yielded.empty()) return "[" + join(yielded, ",") + "]";
  return output ? *output : "null";
}

std::string stream_piece(std::string_view output) {
  if (output == "null") return {};
  if (output.starts_with('"')) {
    const auto text = json::parse(output);
    if (text) return *text->as_string();
  }
  std::string event = "data: ";
  for (const char c : output) {
    if (c != '\n' && c != '\r') event += c;  // space between the tokens of JSON; inside its strings they are escaped
  }
  return event + "\n\n";
}

std::string stream_of_output(const core::Bytes& output) {
  if (!output) return {};
  const auto elements = json::split_array(*output, json::kPayloadLimits);
  if (!elements) return stream_piece(*output);
  std::string out;
  for (const std::string_view element : *elements) out += stream_piece(element);
  return out;
}

}  // namespace penstock::api
