#include "api/jobs/batches_api.h"

#include <algorithm>
#include <memory>

#include "api/answers.h"
#include "api/auth/access.h"
#include "api/calls.h"
#include "api/jobs/batch_text.h"
#include "api/trace/trace_context.h"

namespace penstock::api {
namespace {

constexpr std::size_t kPageBytes = 16 * 1024 * 1024;  // of outputs; the next page goes on behind

void answer_batch(net::Responder& to, core::Reply reply) {
  if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
  const auto& batch = std::get<core::BatchReply>(reply.what);
  to.send(json_answer(batch_text(batch.view, batch.added)));
}

}  // namespace

void BatchesApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), true);
  if (!key) return responder.send(error_answer(key.error()));
  const auto known = own_endpoint(core_.engine(), (*key)->account, parts[0]);
  if (!known) return responder.send(error_answer(known.error()));
  const EndpointId endpoint = (*known)->id;
  if (request.method != "GET") {
    if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  }
  if (parts.size() == 2) return on_all(request, endpoint, std::move(responder));
  const auto batch = BatchId::parse(parts[2]);
  if (!batch) return responder.send(error_answer({Errc::not_found, "batch not found: " + batch.error().message}));
  if (parts.size() == 3) return on_one(request, endpoint, *batch, std::move(responder));
  if (parts.size() == 4 && parts[3] == "requests") {
    return on_requests(request, endpoint, *batch, std::move(responder));
  }
  const bool acts = parts.size() == 4 && (parts[3] == "finalize" || parts[3] == "cancel");
  if (acts && request.method != "POST") return responder.send(wrong_method(request, "POST"));
  if (acts && parts[3] == "finalize") {
    return call(core_, core::FinalizeBatch{0, endpoint, *batch}, std::move(responder), answer_batch);
  }
  if (acts) return call(core_, core::CancelBatch{0, endpoint, *batch}, std::move(responder), answer_batch);
  const auto job = parts.size() == 5 && parts[3] == "requests" ? JobId::parse(parts[4]) : JobId::parse("");
  if (job && request.method != "DELETE") return responder.send(wrong_method(request, "DELETE"));
  if (job) {
    return call(core_, core::RemoveFromBatch{0, endpoint, *batch, *job}, std::move(responder), answer_batch);
  }
  responder.send(error_answer({Errc::not_found,
                               "no such route: /v2/{endpoint}/batch/{id} and below it finalize, cancel, requests and "
                               "requests/{id} are there"}));
}

void BatchesApi::on_all(const net::Request& request, const EndpointId& endpoint, net::Responder responder) {
  if (request.method == "GET") return list_batches(request, endpoint, std::move(responder));
  if (request.method != "POST") return responder.send(wrong_method(request, "GET, POST"));
  if (!request.header("idempotency-key").empty()) {
    return responder.send(
        error_answer({Errc::invalid,
                      "the header Idempotency-Key is for /run and /runsync; GET /batch lists the newest batch first"}));
  }
  auto requests = read_batch_requests(request.body, webhook_rules_);
  if (!requests) return responder.send(error_answer(requests.error()));
  const std::string trace = client_traceparent(request);
  for (core::JobRequest& one : *requests) one.traceparent = trace;
  call(core_, core::CreateBatch{0, endpoint, std::move(*requests)}, std::move(responder), answer_batch);
}

void BatchesApi::on_one(const net::Request& request, const EndpointId& endpoint, const BatchId& batch,
                        net::Responder responder) {
  if (request.method == "GET") {
    const auto view = core_.engine().find_batch(endpoint, batch);
    return responder.send(view ? json_answer(batch_text(*view)) : error_answer(view.error()));
  }
  if (request.method != "PUT") return responder.send(wrong_method(request, "GET, PUT"));
  auto name = read_batch_name(request.body);
  if (!name) return responder.send(error_answer(name.error()));
  call(core_, core::RenameBatch{0, endpoint, batch, std::move(*name)}, std::move(responder), answer_batch);
}

void BatchesApi::on_requests(const net::Request& request, const EndpointId& endpoint, const BatchId& batch,
                             net::Responder responder) {
  if (request.method == "GET") return list_requests(request, endpoint, batch, std::move(responder));
  if (request.method != "POST") return responder.send(wrong_method(request, "GET, POST"));
  auto requests = read_more_requests(request.body, webhook_rules_);
  if (!requests) return responder.send(error_answer(requests.error()));
  const std::string trace = client_traceparent(request);
  for (core::JobRequest& one : *requests) one.traceparent = trace;
  call(core_, core::AddToBatch{0, endpoint, batch, std::move(*requests)}, std::move(responder), answer_batch);
}

void BatchesApi::list_batches(const net::Request& request, const EndpointId& endpoint, net::Responder responder) {
  const auto wish = read_page_wish(request);
  if (!wish) return responder.send(error_answer(wish.error()));
  const auto all = core_.engine().batches_of(endpoint);
  const int total = static_cast<int>(all.size());
  const int end = std::min(total, wish->offset + wish->limit);
  std::string text = "{\"batches\":[";
  for (int i = wish->offset; i < end; ++i) {
    if (i > wish->offset) text += ',';
    text += batch_text(all[static_cast<std::size_t>(i)]);
  }
  responder.send(json_answer(text + "]" + page_end(total, *wish, std::max(0, end - wish->offset))));
}

void BatchesApi::list_requests(const net::Request& request, const EndpointId& endpoint, const BatchId& batch,
                               net::Responder responder) {
  const auto wish = read_page_wish(request);
  if (!wish) return responder.send(error_answer(wish.error()));
  const auto view = core_.engine().find_batch(endpoint, batch);
  if (!view) return responder.send(error_answer(view.error()));
  const core::BatchJobQuery query{endpoint, batch, core_.now(), wish->offset, wish->limit, kPageBytes};
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  core_.list_batch_jobs(query, [this, to, endpoint, wish = *wish, total = view->batch.requests,
                                base = base_url(request)](const Result<std::vector<core::StoredJob>>& jobs) {
    if (!jobs) return to->send(error_answer(jobs.error()));
    std::string text = "{\"requests\":[";
    for (const core::StoredJob& job : *jobs) {
      if (!text.ends_with('[')) text += ',';
      text += batch_request_text(job);
      results_.add_output(text, base, endpoint, job.request.id, job.output);
      text += '}';
    }
    to->send(json_answer(text + "]" + page_end(total, wish, static_cast<int>(jobs->size()))));
  });
}

}  // namespace penstock::api
