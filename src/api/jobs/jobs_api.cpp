#include "api/jobs/jobs_api.h"

#include <algorithm>

#include "api/answers.h"
#include "api/auth/access.h"
#include "api/calls.h"
#include "api/jobs/envelope.h"
#include "api/jobs/job_events.h"
#include "api/jobs/job_list.h"
#include "api/jobs/job_text.h"
#include "api/server_events.h"
#include "base/number.h"

namespace penstock::api {
namespace {

constexpr std::int64_t kWaitMin = 1'000;
constexpr std::int64_t kWaitMax = 300'000;
constexpr std::int64_t kWaitDefault = 90'000;
constexpr std::int64_t kStreamWaitDefault = 5'000;  // below the Python client's read time-out of 10 s (1.7)

constexpr std::string_view kResult = "result";

struct Route {
  std::string_view name;
  bool names_job;
  std::string_view methods;
  std::optional<core::Operation> counted;  // as what; none: without limit
};
constexpr Route kRoutes[] = {
    {"run", false, "POST", core::Operation::run},
    {"runsync", false, "POST", core::Operation::runsync},
    {"status", true, "GET, POST", core::Operation::status},
    {"status-sync", true, "GET, POST", core::Operation::status},
    {"stream", true, "GET, POST", core::Operation::status},
    {"cancel", true, "POST", core::Operation::cancel},
    {"retry", true, "POST", std::nullopt},
    {"purge-queue", false, "POST", core::Operation::purge_queue},
    {"health", false, "GET, POST", std::nullopt},
    {"requests", false, "GET", core::Operation::requests},
    {"metrics", false, "GET", std::nullopt},
};

const Route* find_operation(std::string_view name) {
  const auto found = std::ranges::find(kRoutes, name, &Route::name);
  return found == std::end(kRoutes) ? nullptr : found;
}

std::optional<std::int64_t> whole_number(std::optional<std::string_view> text) {
  return text ? parse_number<std::int64_t>(*text) : std::nullopt;
}

/// Out of range is clamped and nonsense is the default: a wait never fails a request (contract/data-plane 1.5).
Millis wait_of(const net::Request& request, std::int64_t fallback) {
  const auto wait = whole_number(request.query_value("wait"));
  return Millis{std::clamp(wait.value_or(fallback), kWaitMin, kWaitMax)};
}

}  // namespace

bool JobsApi::knows(std::string_view operation) {
  return operation == kResult || find_operation(operation) != nullptr;
}

/// How a reply with a job is answered.
JobsApi::Answer JobsApi::job_answer(const net::Request& request, const EndpointId& endpoint) {
  return [this, endpoint, base = base_url(request)](net::Responder& to, const core::Reply& reply) {
    const auto* job = std::get_if<core::JobReply>(&reply.what);
    if (!job) return to.send(error_answer(std::get<Error>(reply.what)));
    results_.answer(to, json_answer({}), base, endpoint, job->job);
  };
}

/// The URL of a result needs no key: it is signed, and good for a while.
void JobsApi::result(const net::Request& request, PathParts parts, net::Responder responder) {
  if (request.method != "GET") return responder.send(wrong_method(request, "GET"));
  const auto endpoint = EndpointId::parse(parts[0]);
  const auto job = JobId::parse(parts.size() == 3 ? parts[2] : std::string_view());
  if (!endpoint || !job) return responder.send(error_answer({Errc::not_found, "no such result"}));
  if (!results_.is_signed(request, *endpoint, *job)) {
    return responder.send(error_answer(
        {Errc::forbidden, "this URL is not signed by this server, or its time is over: /status gives a fresh one"}));
  }
  if (auto recalled = core_.recall(*endpoint, *job); !recalled) return responder.send(error_answer(recalled.error()));
  results_.download(*endpoint, *job, responder);
}

void JobsApi::handle(net::Request&& request, PathParts parts, net::Responder responder) {
  if (parts[1] == kResult) return result(request, parts, std::move(responder));
  const Route& operation = *find_operation(parts[1]);
  if (operation.methods.find(request.method) == std::string_view::npos) {
    return responder.send(wrong_method(request, operation.methods));
  }
  const auto key = known_key(request, core_.engine(), true);
  if (!key) return responder.send(error_answer(key.error()));
  const auto known = own_endpoint(core_.engine(), (*key)->account, parts[0]);
  if (!known) return responder.send(error_answer(known.error()));
  const EndpointId endpoint = (*known)->id;
  const bool reads = operation.name.starts_with("status") || operation.name == "stream" || operation.name == "health" ||
                     operation.name == "requests" || operation.name == "metrics";
  if (!reads) {
    if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  }
  if (operation.counted) {
    const auto refused = admission_.admit(endpoint, *operation.counted, responder);
    if (refused) return responder.send(busy_answer(refused->message, refused->retry_after_s));
  }
  const std::size_t expected_parts = operation.names_job ? 3 : 2;
  if (parts.size() != expected_parts) {
    return responder.send(
        error_answer({Errc::not_found, "no such route: /v2/" + std::string(parts[0]) + "/" + std::string(parts[1]) +
                                           (operation.names_job ? "/{job id} is expected" : " takes no job id")}));
  }
  if (operation.names_job) {
    const auto job = JobId::parse(parts[2]);
    if (!job) return responder.send(error_answer({Errc::not_found, "job not found: " + job.error().message}));
    if (auto recalled = core_.recall(endpoint, *job); !recalled) return responder.send(error_answer(recalled.error()));
    return on_job(request, operation.name, endpoint, *job, std::move(responder));
  }
  if (operation.name == "health") {
    return responder.send(json_answer(health_text(*core_.engine().health(endpoint))));
  }
  if (operation.name == "metrics") {
    const core::Engine& engine = core_.engine();
    return responder.send(json_answer(worker_metrics_text(*engine.health(endpoint), engine.workers_of(endpoint))));
  }
  if (operation.name == "requests") return list(request, endpoint, std::move(responder));
  if (operation.name == "purge-queue") {
    core::PurgeQueue command;
    command.endpoint = endpoint;
    return call(core_, command, std::move(responder), [](net::Responder& to, core::Reply reply) {
      if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
      const auto removed = std::get<core::Purged>(reply.what).removed;
      to.send(json_answer("{\"removed\":" + std::to_string(removed) + ",\"status\":\"completed\"}"));
    });
  }
  submit(std::move(request), endpoint, operation.name == "runsync", std::move(responder));
}

void JobsApi::list(const net::Request& request, const EndpointId& endpoint, net::Responder responder) {
  const auto query = read_job_query(request, endpoint, core_.now());
  if (!query) return responder.send(error_answer(query.error()));
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  core_.list_jobs(*query, [this, to](const Result<core::JobPage>& page) {
    if (!page) return to->send(error_answer(page.error()));
    to->send(json_answer(job_list_text(*page, core_.engine(), core_.now())));
  });
}

void JobsApi::submit(net::Request&& request, const EndpointId& endpoint, bool sync, net::Responder responder) {
  auto submission = read_submission(std::move(request.body), webhook_rules_, request.header("idempotency-key"));
  if (!submission) return responder.send(error_answer(submission.error()));
  core::Submit command;
  command.request = std::move(*submission);
  command.request.endpoint = endpoint;
  command.request.sync = sync;
  if (sync) command.wait = wait_of(request, kWaitDefault);
  std::string trace = client_traceparent(request);
  command.request.traceparent = trace;
  BaseUrl base = sync ? base_url(request) : BaseUrl();
  call(core_, std::move(command), std::move(responder),
       [this, trace = std::move(trace), endpoint, base = std::move(base)](net::Responder& to, core::Reply reply) {
         if (const auto* accepted = std::get_if<core::JobAccepted>(&reply.what)) {
           auto answer = json_answer(job_status_text(accepted->id, accepted->status, accepted->wait));
           traces_.tell(answer, accepted->id, trace);
           return to.send(std::move(answer));
         }
         const auto* job = std::get_if<core::JobReply>(&reply.what);
         if (!job) return to.send(error_answer(std::get<Error>(reply.what)));
         auto answer = json_answer({});
         traces_.tell(answer, job->job.id, trace);
         results_.answer(to, std::move(answer), base, endpoint, job->job);
       });
}

void JobsApi::on_job(const net::Request& request, std::string_view operation, const EndpointId& endpoint,
                     const JobId& job, net::Responder responder) {
  if (operation == "status") return status(request, endpoint, job, std::move(responder));
  if (operation == "stream") return stream(request, endpoint, job, std::move(responder));
  if (operation == "status-sync") {
    return call(core_, core::AwaitJob{0, endpoint, job, wait_of(request, kWaitDefault)}, std::move(responder),
                job_answer(request, endpoint));
  }
  const auto short_answer = [](net::Responder& to, core::Reply reply) {
    if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
    const core::JobView& view = std::get<core::JobReply>(reply.what).job;
    to.send(json_answer(job_status_text(view.id, view.status)));
  };
  if (operation == "cancel") return call(core_, core::CancelJob{0, endpoint, job}, std::move(responder), short_answer);
  call(core_, core::RetryJob{0, endpoint, job}, std::move(responder), [](net::Responder& to, core::Reply reply) {
    if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
    to.send(json_answer(job_status_text(std::get<core::JobReply>(reply.what).job.id, core::JobStatus::in_queue)));
  });
}

void JobsApi::status(const net::Request& request, const EndpointId& endpoint, const JobId& job,
                     net::Responder responder) {
  const auto ttl = request.query_value("ttl");
  if (!ttl) {
    const auto view = core_.engine().find_job(core_.now(), endpoint, job);
    if (!view) return responder.send(error_answer(view.error()));
    return results_.answer(responder, json_answer({}), base_url(request), endpoint, *view);
  }
  const auto ms = whole_number(ttl);
  if (!ms || *ms < 0) {
    return responder.send(
        error_answer({Errc::invalid, "ttl is \"" + std::string(*ttl) + "\"; a number of milliseconds is accepted"}));
  }
  call(core_, core::LowerTtl{0, endpoint, job, Millis{*ms}}, std::move(responder), job_answer(request, endpoint));
}

void JobsApi::stream(const net::Request& request, const EndpointId& endpoint, const JobId& job,
                     net::Responder responder) {
  if (wants_events(request)) return JobEvents::answer(core_, request, endpoint, job, std::move(responder));
  call(core_, core::ReadStream{0, endpoint, job, wait_of(request, kStreamWaitDefault)}, std::move(responder),
       [this, endpoint, job](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         const auto& page = std::get<core::StreamPage>(reply.what);
         core::StreamRead read{endpoint, job, page.attempt, page.first, static_cast<int>(page.chunks.size()), false};
         if (read.count == 0) return to.send(json_answer(stream_text(page)));
         to.send(json_answer(stream_text(page)), [this, read](bool written) mutable {
           read.written = written;
           core_.give(read);
         });
       });
}

}  // namespace penstock::api
