#include "api/trace/spans.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/model/job.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr std::size_t kErrorBytes = 300;

/// Spans of one job that differ in little.
class Family {
 public:
  Family(const TraceContext& context, const EndpointId& endpoint, const JobId& job, const core::JobState& state) {
    like_.trace_id = context.trace_id;
    like_.parent_id = context.span_id;
    like_.endpoint = endpoint;
    like_.job = job;
    like_.status = state.status;
    like_.worker = state.worker;
    like_.attempt = state.attempt;
  }

  Span& add(std::string_view name, Time start, Time end) {
    Span& span = spans_.emplace_back(like_);
    span.name = name;
    span.span_id = span_id_of(span.job, name, span.attempt);
    span.start = start;
    span.end = std::max(start, end);
    return span;
  }
  std::vector<Span> take() { return std::move(spans_); }

 private:
  Span like_;
  std::vector<Span> spans_;
};

void add_end(Family& family, const TraceContext& context, const core::JobState& state, Time now) {
  const Time finished = state.finished.value_or(now);
  std::string error;
  if (state.status != core::JobStatus::completed) {
    error = state.error.value_or(std::string(core::to_text(state.status))).substr(0, kErrorBytes);
  }
  Span& job = family.add("job", state.queued, finished);
  job.span_id = context.span_id;
  job.parent_id = context.parent_id;
  job.server = true;
  job.error = error;
  family.add("queued", state.queued, state.started.value_or(finished));
  if (state.started) {
    family.add("taken", *state.started, *state.started);
    family.add("running", *state.started, finished).error = error;
  }
  family.add("done", finished, now);
}

std::vector<Span> spans_of_change(const core::JobChanged& changed, const Traces& traces, Time now) {
  // Only a change of the result can be an end: others touch the cursor or a deadline.
  if (!changed.sets_output) return {};
  const core::JobState& state = changed.state;
  const bool lost = state.status == core::JobStatus::in_queue && state.started;
  if (!lost && !core::is_terminal(state.status)) return {};
  const auto context = traces.of(changed.id, changed.traceparent);
  if (!context || !context->sampled) return {};
  Family family(*context, changed.endpoint, changed.id, state);
  if (lost) {
    family.add("running", *state.started, now).error = "the attempt was lost with its worker";
  } else {
    add_end(family, *context, state, now);
  }
  return family.take();
}

std::string nanoseconds(Time time) {
  return std::to_string(to_ms(time)) + "000000";
}

void add_text(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{{\"key\":\"{}\",\"value\":{{\"stringValue\":", key);
  json::write_string(out, value);
  out += "}},";
}

void add_span(std::string& out, const Span& span) {
  out += fmt::format(R"({{"traceId":"{}","spanId":"{}",)", span.trace_id, span.span_id);
  if (!span.parent_id.empty()) out += fmt::format(R"("parentSpanId":"{}",)", span.parent_id);
  out += fmt::format(R"("name":"{}","kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[)",
                     span.name, span.server ? 2 : 1, nanoseconds(span.start), nanoseconds(span.end));
  add_text(out, "penstock.job.id", span.job.str());
  add_text(out, "penstock.endpoint.id", span.endpoint.str());
  add_text(out, "penstock.job.status", core::to_text(span.status));
  if (!span.worker.empty()) add_text(out, "penstock.worker.id", span.worker.str());
  out += fmt::format(R"({{"key":"penstock.job.attempt","value":{{"intValue":"{}"}}}}],"status":{{)", span.attempt);
  if (!span.error.empty()) {
    out += "\"code\":2,\"message\":";
    json::write_string(out, span.error);
  }
  out += "}}";
}

}  // namespace

std::vector<Span> spans_of(const core::Record& record, const Traces& traces, Time now) {
  if (const auto* changed = std::get_if<core::JobChanged>(&record)) return spans_of_change(*changed, traces, now);
  const auto* added = std::get_if<core::JobAdded>(&record);
  if (!added) return {};
  const auto context = traces.of(added->request.id, added->request.traceparent);
  if (!context || !context->sampled) return {};
  Family family(*context, added->request.endpoint, added->request.id, added->state);
  family.add("accepted", added->request.created, now);
  return family.take();
}

std::string otlp_text(const std::vector<Span>& spans, std::string_view version) {
  std::string out = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[";
  add_text(out, "service.name", "penstock");
  add_text(out, "service.version", version);
  out.back() = ']';
  out += "},\"scopeSpans\":[{\"scope\":{\"name\":\"penstock\"},\"spans\":[";
  for (const Span& span : spans) {
    add_span(out, span);
    out += ',';
  }
  if (out.back() == ',') out.pop_back();
  return out + "]}]}]}";
}

}  // namespace penstock::api
