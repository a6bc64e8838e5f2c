#include "narrate.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace penstock::simulation {
namespace {

constexpr std::array<const char*, std::variant_size_v<core::Command>> kCommands = {"SaveAccount",
                                                                                   "SaveApiKey",
                                                                                   "SaveTemplate",
                                                                                   "DeleteTemplate",
                                                                                   "SaveEndpoint",
                                                                                   "UpdateEndpointTemplate",
                                                                                   "DeleteEndpoint",
                                                                                   "Submit",
                                                                                   "AwaitJob",
                                                                                   "ReadStream",
                                                                                   "StreamRead",
                                                                                   "CancelJob",
                                                                                   "RetryJob",
                                                                                   "PurgeQueue",
                                                                                   "LowerTtl",
                                                                                   "RecallJob",
                                                                                   "TakeJobs",
                                                                                   "HandOutLost",
                                                                                   "PollStops",
                                                                                   "FinishJob",
                                                                                   "ReportProgress",
                                                                                   "AddChunk",
                                                                                   "Ping",
                                                                                   "AttachWorker",
                                                                                   "DetachWorker",
                                                                                   "WorkerStarted",
                                                                                   "WorkerStartFailed",
                                                                                   "WorkerExited",
                                                                                   "Forget",
                                                                                   "Tick",
                                                                                   "Shutdown",
                                                                                   "SaveVolume",
                                                                                   "DeleteVolume",
                                                                                   "SaveSecret",
                                                                                   "DeleteSecret",
                                                                                   "SaveCredential",
                                                                                   "DeleteCredential",
                                                                                   "UpdateSettings",
                                                                                   "ReadChunks",
                                                                                   "WebhookPosted",
                                                                                   "RedeliverWebhook",
                                                                                   "SaveWebhookSecret",
                                                                                   "CreateBatch",
                                                                                   "RenameBatch",
                                                                                   "AddToBatch",
                                                                                   "RemoveFromBatch",
                                                                                   "FinalizeBatch",
                                                                                   "CancelBatch",
                                                                                   "ReportGpus",
                                                                                   "QuarantineGpu",
                                                                                   "ReleaseGpu",
                                                                                   "InputsRead"};

std::string about(const core::Command& command) {
  return std::visit(
      [](const auto& c) {
        std::string text;
        if constexpr (requires { c.to; }) text += fmt::format(" to={}", c.to);
        if constexpr (requires { c.token; }) text += fmt::format(" token={}", c.token);
        if constexpr (requires { c.worker.str(); }) text += " worker=" + c.worker.str();
        if constexpr (requires { c.job.str(); }) text += " job=" + to_string(c.job).substr(0, 13);
        if constexpr (requires { c.endpoint.str(); }) text += " endpoint=" + c.endpoint.str();
        if constexpr (requires { c.jobs.front().str(); }) {
          for (const auto& job : c.jobs) text += " lists " + to_string(job).substr(0, 13);
        }
        if constexpr (requires { c.max_jobs; }) text += fmt::format(" max={} busy={}", c.max_jobs, c.says_busy);
        if constexpr (requires { c.written; })
          text += fmt::format(" [{},{}) written={}", c.first, c.first + c.count, c.written);
        return text;
      },
      command);
}

std::string about(const core::Record& record) {
  if (const auto* changed = std::get_if<core::JobChanged>(&record)) {
    return fmt::format("job {} {} attempt {} retries {} worker {} delivered {} {}", changed->id.str().substr(0, 13),
                       to_text(changed->state.status), changed->state.attempt, changed->state.retries,
                       changed->state.worker.str(), changed->state.chunks_delivered, changed->state.error.value_or(""));
  }
  if (const auto* added = std::get_if<core::JobAdded>(&record)) {
    return fmt::format("job {} of {} added", added->request.id.str().substr(0, 13), added->request.endpoint.str());
  }
  if (const auto* saved = std::get_if<core::EndpointSaved>(&record)) {
    const core::Endpoint& e = saved->endpoint;
    return fmt::format("endpoint {} workers {}..{} gpus {} x{} {} {} release {}", e.id.str(), e.workers_min,
                       e.workers_max, e.gpu_ids, e.gpu_count, to_text(e.scaler_type), e.scaler_value, e.version);
  }
  if (const auto* saved = std::get_if<core::WorkerSaved>(&record)) {
    const core::Worker& w = saved->worker;
    return fmt::format("worker {} of {} {}{}{}", w.id.str(), w.endpoint.str(), w.ready ? "ready" : "starting",
                       w.draining ? " draining" : "", w.external ? " external" : "");
  }
  if (const auto* added = std::get_if<core::WebhookAdded>(&record)) {
    return fmt::format("webhook {} of job {} added", added->delivery.id.str(), added->delivery.job.str().substr(0, 13));
  }
  if (const auto* changed = std::get_if<core::WebhookChanged>(&record)) {
    return fmt::format("webhook {} {} after {} attempts {}", changed->id.str(), to_text(changed->state.status),
                       changed->state.attempts, changed->state.last_error);
  }
  if (const auto* removed = std::get_if<core::WorkerRemoved>(&record))
    return "worker " + removed->id.str() + " removed";
  if (const auto* removed = std::get_if<core::EndpointRemoved>(&record))
    return "endpoint " + removed->id.str() + " removed";
  return {};
}

}  // namespace

void narrate(Time now, const core::Command* command, const core::Effects& effects) {
  const bool dull = !command || std::holds_alternative<core::Tick>(*command);
  if (dull && effects.records.empty() && effects.replies.empty()) return;
  const char* const what = command ? kCommands[command->index()] : "the turn ends";
  std::printf("%s %s%s\n", iso8601(now).c_str() + 11, what, command ? about(*command).c_str() : "");
  for (const auto& record : effects.records) {
    if (const std::string text = about(record); !text.empty()) std::printf("    = %s\n", text.c_str());
  }
  for (const auto& reply : effects.replies) {
    const auto* error = std::get_if<Error>(&reply.what);
    std::printf("    -> %llu %s\n", static_cast<unsigned long long>(reply.to), error ? error->message.c_str() : "");
  }
  for (const auto& order : effects.orders) {
    if (const auto* start = std::get_if<core::StartWorker>(&order))
      std::printf("    ! start %s\n", start->id.str().c_str());
    if (const auto* stop = std::get_if<core::StopWorker>(&order)) {
      std::printf("    ! stop %s within %lld ms\n", stop->id.str().c_str(),
                  static_cast<long long>(stop->grace.count()));
    }
    if (const auto* adopt = std::get_if<core::AdoptWorker>(&order))
      std::printf("    ! adopt %s\n", adopt->id.str().c_str());
  }
  for (const auto& note : effects.notes) std::printf("    # %s\n", note.c_str());
  for (const auto& warning : effects.warnings) std::printf("    # %s\n", warning.c_str());
}

}  // namespace penstock::simulation
