#include "api/worker/worker_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "api/answers.h"
#include "api/calls.h"
#include "api/worker/result.h"
#include "base/spare_texts.h"
#include "base/text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr int kBatchMax = 1'000;
constexpr std::size_t kReasonMax = 300;
constexpr std::size_t kHandOutHead = 256;  // a job's text without its payloads, nearly always

constexpr std::string_view kOperations[] = {"job-take", "job-take-batch", "job-stop", "job-done", "job-stream", "ping"};

std::size_t hand_out_bytes(const core::HandOut& job) {
  return job.input->size() + (job.s3_config ? job.s3_config->size() : 0) + kHandOutHead;
}

void write_hand_out(std::string& out, const core::HandOut& job, const Traces& traces) {
  const auto add = [&](const auto&... parts) { append(out, parts...); };
  add("{\"id\":\"", job.id.str(), "\",\"input\":", *job.input);
  if (job.s3_config) add(",\"s3Config\":", *job.s3_config);
  if (const auto trace = traces.of(job.id, job.traceparent)) add(",\"traceparent\":\"", trace->header(), "\"");
  if (!job.webhook.empty()) {
    add(",\"webhook\":");
    json::write_string(out, job.webhook);
  }
  if (!job.batch.empty()) add(",\"batchId\":\"", job.batch.str(), "\"");
  add("}");
}

std::string hand_out_text(const core::HandOut& job, const Traces& traces) {
  std::string out = take_text(hand_out_bytes(job));
  write_hand_out(out, job, traces);
  return out;
}

std::string hand_outs_text(const std::vector<core::HandOut>& jobs, const Traces& traces) {
  std::string out = "[";
  for (const auto& job : jobs) {
    if (out.size() > 1) out += ',';
    out.reserve(out.size() + hand_out_bytes(job));
    write_hand_out(out, job, traces);
  }
  return out + "]";
}

net::Response nothing_for_you() {
  net::Response response;
  response.status = 204;
  return response;
}

int batch_size(const net::Request& request) {
  const auto text = request.query_value("batch_size");
  int size = 1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), size);
  return std::clamp(size, 1, kBatchMax);
}

void answer_done(net::Responder& to, const core::Reply& reply) {
  if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
  to.send(json_answer("{}"));
}

}  // namespace

bool WorkerApi::knows(std::string_view operation) {
  return std::ranges::find(kOperations, operation) != std::end(kOperations);
}

/// A worker that is refused asks again at once, so refusals take their time (contract/data-plane 2.3).
void WorkerApi::refuse_later(net::Responder responder, Error error) {
  struct Later {
    explicit Later(net::Loop& loop) : timer(loop) {}
    net::Loop::Timer timer;
    net::Responder responder;
  };
  const auto later = std::make_shared<Later>(loop_);
  later->responder = std::move(responder);
  later->timer.set(core_.engine().settings().unknown_worker_hold,
                   [later, error = std::move(error)] { later->responder.send(error_answer(error)); });
}

void WorkerApi::handle(net::Request&& request, PathParts parts, net::Responder responder) {
  const std::string_view operation = parts[1];
  const bool posts = operation == "job-done" || operation == "job-stream";
  if (request.method != (posts ? "POST" : "GET")) {
    return responder.send(wrong_method(request, posts ? "POST" : "GET"));
  }
  const auto endpoint = EndpointId::parse(parts[0]);
  const auto worker = WorkerId::parse(parts.size() > 2 ? parts[2] : std::string_view{});
  if (!endpoint || !worker) {
    return refuse_later(std::move(responder),
                        {Errc::not_found, "the path must be /v2/{endpoint}/" + std::string(operation) + "/{worker}"});
  }
  if (!keys_.allows(request, *endpoint, *worker)) {
    return refuse_later(std::move(responder),
                        {Errc::unauthenticated, "this key is not the key of worker \"" + worker->str() + "\""});
  }
  Address at{*endpoint, *worker, {}};
  if (posts) {
    // Older SDKs may leave the id out of the path; only then is the header good for anything (2.2).
    auto job = JobId::parse(parts.size() > 3 ? parts[3] : request.header("x-request-id"));
    if (!job) return responder.send(error_answer({Errc::invalid, "the path names no job: " + job.error().message}));
    at.job = std::move(*job);
    return operation == "job-done" ? done(std::move(request), std::move(at), std::move(responder))
                                   : chunk(request, at, std::move(responder));
  }
  if (operation == "job-stop") return stops(at, std::move(responder));
  if (operation == "ping") return ping(request, at, std::move(responder));
  take(request, std::move(at), operation == "job-take-batch", std::move(responder));
}

void WorkerApi::take(const net::Request& request, Address at, bool batch, net::Responder responder) {
  core::TakeJobs command;
  command.endpoint = at.endpoint;
  command.worker = at.worker;
  command.max_jobs = batch ? batch_size(request) : 1;
  const auto busy = request.query_value("job_in_progress");
  command.says_busy = !busy || *busy != "0";
  call(core_, std::move(command), std::move(responder),
       [this, at = std::move(at), batch](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         auto& jobs = std::get<core::HandOuts>(reply.what).jobs;
         if (jobs.empty()) return to.send(nothing_for_you());
         auto answer = json_answer(batch ? hand_outs_text(jobs, traces_) : hand_out_text(jobs.front(), traces_));
         to.send(std::move(answer), [this, at, jobs = std::move(jobs)](bool written) {
           if (written) return;
           core::HandOutLost lost{at.endpoint, at.worker, {}};
           for (const auto& job : jobs) lost.jobs.emplace_back(job.id, job.attempt);
           core_.give(std::move(lost));
         });
       });
}

void WorkerApi::stops(const Address& at, net::Responder responder) {
  call(core_, core::PollStops{0, at.endpoint, at.worker}, std::move(responder),
       [](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         const auto& jobs = std::get<core::StopList>(reply.what).jobs;
         if (jobs.empty()) return to.send(nothing_for_you());
         std::string text = "{\"jobsToStop\":[";
         for (const JobId& job : jobs) text += (text.ends_with('[') ? "\"" : ",\"") + to_string(job) + "\"";
         to.send(json_answer(text + "]}"));
       });
}

void WorkerApi::done(net::Request&& request, Address at, net::Responder responder) {
  // The core may have let go of a job that is finished; a late result for it needs no recall: it is ignored either way.
  if (!request.spooled)
    return take_result(read_result(std::move(request.body)), std::move(at), std::move(responder), {});
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  const std::string file = request.spooled->name();
  results_.read(request.spooled, [this, at, to, file](Result<WorkerResult> result) {
    take_result(std::move(result), at, std::move(*to), file);
  });
}

/// `file`: where its output may be; empty: none.
void WorkerApi::take_result(Result<WorkerResult> result, Address at, net::Responder responder, std::string file) {
  if (!result && result.error().code == Errc::unavailable) return responder.send(error_answer(result.error()));
  if (!result) {
    core::FinishJob command{
        0, at.endpoint, at.worker, at.job, nullptr, "worker returned invalid JSON: " + result.error().message, false};
    const Error answer{Errc::invalid, "the result is not accepted: " + result.error().message};
    return call(core_, std::move(command), std::move(responder),
                [answer](net::Responder& to, core::Reply) { to.send(error_answer(answer)); });
  }
  const auto give = [&](auto command) {
    if (file.empty()) return call(core_, std::move(command), std::move(responder), answer_done);
    call(core_, std::move(command), std::move(responder),
         [this, at = std::move(at), file = std::move(file)](net::Responder& to, const core::Reply& reply) {
           results_.settle(at.endpoint, at.job, file);
           answer_done(to, reply);
         });
  };
  if (result->progress) {
    return give(core::ReportProgress{0, at.endpoint, at.worker, at.job, std::move(result->output)});
  }
  give(core::FinishJob{0, at.endpoint, at.worker, at.job, std::move(result->output), std::move(result->error),
                       result->stop_worker});
}

bool WorkerApi::has_job(const net::Request& head, PathParts parts) const {
  const auto endpoint = EndpointId::parse(parts[1]);
  const auto worker = WorkerId::parse(parts[3]);
  return endpoint && worker && JobId::parse(parts[4]) && keys_.allows(head, *endpoint, *worker);
}

WorkerApi::Address WorkerApi::address_of(PathParts parts) {
  return {*EndpointId::parse(parts[1]), *WorkerId::parse(parts[3]), *JobId::parse(parts[4])};
}

void WorkerApi::receive(bool is_chunk, net::BodyRule& rule) {
  rule.on_too_large = [this, bytes_max = rule.bytes_max](const net::Request& head, std::uint64_t bytes) {
    fail_too_large(head, bytes, bytes_max);
  };
  if (is_chunk) return;
  results_.spool_into(rule, [](const net::Request& head) {
    const Address at = address_of(path_parts(head.path));
    return Results::file_prefix(at.endpoint, at.job);
  });
}

void WorkerApi::fail_too_large(const net::Request& head, std::uint64_t bytes, std::size_t bytes_max) {
  const auto parts = path_parts(head.path);
  const Address at = address_of(parts);
  const bool is_chunk = parts[2] == "job-stream";
  const std::string size = bytes > 0 ? std::to_string(bytes) + " bytes" : "larger than that";
  core_.give(core::FinishJob{0, at.endpoint, at.worker, at.job, nullptr,
                             std::string(is_chunk ? "a stream chunk" : "the result") + " is " + size +
                                 "; this server accepts " + std::to_string(bytes_max) + " bytes (jobs.result_mb)",
                             false});
}

void WorkerApi::chunk(const net::Request& request, const Address& at, net::Responder responder) {
  const auto members = json::split_object(request.body, json::kPayloadLimits);
  if (!members)
    return responder.send(error_answer({Errc::invalid, "the chunk is not accepted: " + members.error().message}));
  const bool has_output = std::ranges::any_of(*members, [](const auto& member) { return member.key == "output"; });
  if (!has_output) return responder.send(error_answer({Errc::invalid, "the chunk has no key \"output\""}));
  core::AddChunk command{0, at.endpoint, at.worker, at.job, core::bytes(std::string(trim(request.body)))};
  call(core_, std::move(command), std::move(responder), answer_done);
}

void WorkerApi::ping(const net::Request& request, const Address& at, net::Responder responder) {
  core::Ping command;
  command.endpoint = at.endpoint;
  command.worker = at.worker;
  if (const auto ids = request.query_value("job_id")) {
    for (const auto text : split_list(*ids, ',')) {
      if (auto id = JobId::parse(text)) command.jobs.push_back(std::move(*id));
    }
  }
  const auto status = request.query_value("status");
  if (status && *status == "unhealthy") {
    const auto check = request.query_value("check");
    const auto reason = request.query_value("reason");
    command.unhealthy =
        fmt::format("{}: {}", check.value_or("a check"), reason.value_or("no reason given")).substr(0, kReasonMax);
  }
  core_.give(std::move(command));
  responder.send(json_answer("{\"status\":\"pong\"}"));
}

}  // namespace penstock::api
