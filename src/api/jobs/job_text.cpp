#include "api/jobs/job_text.h"

#include <fmt/format.h>

#include <string>

#include "base/spare_texts.h"
#include "base/text.h"
#include "json/json.h"

namespace penstock::api {

namespace {

constexpr std::size_t kJobHead = 256;  // a job's text without its output, nearly always

/// `"waitReason":{...}`, which clients of the hosted service ignore.
void write_wait(std::string& out, const core::WaitReason& wait) {
  out += fmt::format("\"waitReason\":{{\"code\":\"{}\",\"message\":", core::to_text(wait.code));
  json::write_string(out, wait.message);
  out += fmt::format(",\"since\":\"{}\"}}", iso8601(wait.since));
}

}  // namespace

std::string job_text(const core::JobView& job) {
  const bool terminal = core::is_terminal(job.status);
  std::string out = take_text((job.output ? job.output->size() : 0) + kJobHead);
  const auto add = [&](const auto&... parts) { append(out, parts...); };
  out += '{';
  if (job.delay_ms || terminal) add("\"delayTime\":", std::to_string(job.delay_ms.value_or(0)), ",");
  if (job.error) {
    out += "\"error\":";
    json::write_string(out, *job.error);
    out += ',';
  }
  if (terminal) add("\"executionTime\":", std::to_string(job.execution_ms.value_or(0)), ",");
  add("\"id\":\"", job.id.str(), "\",");
  if (job.output) add("\"output\":", *job.output, ",");
  if (job.retries > 0) add("\"retries\":", std::to_string(job.retries), ",");
  add("\"status\":\"", core::to_text(job.status), "\"");
  if (job.wait) {
    out += ',';
    write_wait(out, *job.wait);
  }
  if (terminal || !job.worker.empty()) add(",\"workerId\":\"", job.worker.str(), "\"");
  out += '}';
  return out;
}

std::string job_status_text(const JobId& id, core::JobStatus status, const std::optional<core::WaitReason>& wait) {
  std::string out = fmt::format("{{\"id\":\"{}\",\"status\":\"{}\"", id.str(), core::to_text(status));
  if (wait) {
    out += ',';
    write_wait(out, *wait);
  }
  return out + "}";
}

std::string stream_text(const core::StreamPage& page) {
  std::string out = fmt::format("{{\"status\":\"{}\",\"stream\":[", core::to_text(page.status));
  bool first = true;
  for (const core::Bytes& chunk : page.chunks) {
    if (!first) out += ',';
    out += *chunk;
    first = false;
  }
  out += ']';
  if (page.error) {
    out += ",\"error\":";
    json::write_string(out, *page.error);
  }
  if (page.wait) {
    out += ',';
    write_wait(out, *page.wait);
  }
  return out + "}";
}

namespace {

/// `"workers":{...}`.
std::string workers_text(const core::Health& h) {
  return fmt::format(
      "\"workers\":{{\"idle\":{},\"initializing\":{},\"ready\":{},\"running\":{},\"throttled\":{},\"unhealthy\":{}}}",
      h.idle, h.initializing, h.ready, h.running, h.throttled, h.unhealthy);
}

}  // namespace

std::string health_text(const core::Health& h) {
  return fmt::format(
      "{{\"jobs\":{{\"completed\":{},\"failed\":{},\"inProgress\":{},\"inQueue\":{},\"retried\":{}}},{}}}",
      h.jobs.completed, h.jobs.failed, h.in_progress, h.in_queue, h.jobs.retried, workers_text(h));
}

std::string worker_metrics_text(const core::Health& health, const std::vector<core::WorkerView>& workers) {
  std::string out = "{\"readyWorkers\":[";
  for (const core::WorkerView& view : workers) {
    const bool is_ready = view.status == core::WorkerStatus::idle || view.status == core::WorkerStatus::running;
    if (is_ready) out += fmt::format("{}\"{}\"", out.ends_with('[') ? "" : ",", view.worker.id.str());
  }
  return out + "]," + workers_text(health) + "}";
}

}  // namespace penstock::api
