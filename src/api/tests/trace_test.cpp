#include <gtest/gtest.h>

#include "api/trace/spans.h"
#include "api/trace/trace_context.h"
#include "json/json.h"

namespace penstock::api {
namespace {

using core::JobStatus;

const std::string kClient = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const JobId kJob = *JobId::parse("job-1");

std::string read(std::vector<std::string> headers) {
  net::Request request;
  for (const auto& header : headers) request.headers.add("traceparent", header);
  return client_traceparent(request);
}

TEST(TraceContext, a_valid_header_is_kept) {
  EXPECT_EQ(read({kClient}), kClient);
  EXPECT_EQ(read({" " + kClient + "\t"}), kClient);
  EXPECT_EQ(read({kClient.substr(0, 53) + "02"}), kClient.substr(0, 53) + "00") << "flags that we do not know";
  EXPECT_EQ(read({"cc" + kClient.substr(2) + "-what-ever"}), kClient) << "a later version may be longer";
}

TEST(TraceContext, anything_else_is_ignored) {
  const std::string none(32, '0');
  for (const std::string& header :
       {std::string(), std::string("x"), kClient + "-", kClient + "0", kClient.substr(0, 54), "ff" + kClient.substr(2),
        "cc" + kClient.substr(2) + "x", "00-" + none + kClient.substr(35),
        kClient.substr(0, 36) + none.substr(16) + "-01",
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"), kClient.substr(0, 53) + "0g"}) {
    EXPECT_EQ(read({header}), "") << header;
  }
  EXPECT_EQ(read({kClient, kClient}), "") << "two of them";
  EXPECT_EQ(read({}), "");
}

TEST(TraceContext, the_job_is_a_span_of_the_clients_trace) {
  const auto context = Traces(false).of(kJob, kClient);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->parent_id, "b7ad6b7169203331");
  EXPECT_NE(context->span_id, context->parent_id);
  net::Request worker;
  worker.headers.add("traceparent", context->header());
  EXPECT_EQ(client_traceparent(worker), context->header());
  EXPECT_EQ(Traces(false).of(kJob, kClient)->span_id, context->span_id) << "after a restart too";
  EXPECT_NE(Traces(false).of(*JobId::parse("job-2"), kClient)->span_id, context->span_id);
}

TEST(TraceContext, without_a_client_a_trace_begins_only_where_spans_are_exported) {
  EXPECT_FALSE(Traces(false).of(kJob, ""));
  const auto context = Traces(true).of(kJob, "");
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->parent_id.empty());
  EXPECT_EQ(context->trace_id.size(), 32u);
}

core::JobChanged changed(JobStatus status) {
  core::JobChanged record;
  record.id = kJob;
  record.endpoint = *EndpointId::parse("ep");
  record.sets_output = true;
  record.traceparent = kClient;
  record.state.status = status;
  record.state.attempt = 1;
  record.state.queued = from_ms(1'000);
  record.state.started = from_ms(1'500);
  record.state.worker = *WorkerId::parse("w");
  return record;
}

std::string names(const std::vector<Span>& spans) {
  std::string out;
  for (const Span& span : spans)
    out += std::string(span.name) + " " + std::to_string((span.end - span.start).count()) + ";";
  return out;
}

TEST(Spans, a_job_that_ends_shows_its_way) {
  core::JobChanged record = changed(JobStatus::completed);
  record.state.finished = from_ms(4'000);
  const auto spans = spans_of(record, Traces(false), from_ms(4'003));
  EXPECT_EQ(names(spans), "job 3000;queued 500;taken 0;running 2500;done 3;");
  EXPECT_EQ(spans[0].parent_id, "b7ad6b7169203331");
  for (std::size_t i = 1; i < spans.size(); ++i) EXPECT_EQ(spans[i].parent_id, spans[0].span_id);
  EXPECT_EQ(spans[0].error, "");
}

TEST(Spans, a_job_that_never_ran_was_only_queued) {
  core::JobChanged record = changed(JobStatus::cancelled);
  record.state.started.reset();
  record.state.finished = from_ms(1'200);
  const auto spans = spans_of(record, Traces(false), from_ms(1'200));
  EXPECT_EQ(names(spans), "job 200;queued 200;done 0;");
  EXPECT_EQ(spans[0].error, "CANCELLED");
}

TEST(Spans, other_changes_end_nothing_and_a_lost_attempt_ends_itself) {
  EXPECT_EQ(names(spans_of(changed(JobStatus::in_progress), Traces(true), from_ms(2'000))), "") << "progress";
  core::JobChanged later = changed(JobStatus::completed);
  later.sets_output = false;
  EXPECT_EQ(names(spans_of(later, Traces(true), from_ms(2'000))), "") << "its retention was lowered";
  const auto lost = spans_of(changed(JobStatus::in_queue), Traces(true), from_ms(2'000));
  EXPECT_EQ(names(lost), "running 500;");
  EXPECT_NE(lost[0].error, "");
}

TEST(Spans, who_asks_not_to_be_sampled_is_not) {
  core::JobChanged record = changed(JobStatus::completed);
  record.traceparent.back() = '0';
  EXPECT_EQ(names(spans_of(record, Traces(true), from_ms(2'000))), "");
}

TEST(Spans, the_text_is_otlp) {
  core::JobAdded added;
  added.request.id = kJob;
  added.request.endpoint = *EndpointId::parse("ep");
  added.request.created = from_ms(1'000);
  auto spans = spans_of(added, Traces(true), from_ms(1'002));
  spans[0].error = "a \"quoted\" error";
  const auto parsed = json::parse(otlp_text(spans, "1.2.3"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const json::Value& scope = (*(*parsed->find("resourceSpans")->as_array())[0].find("scopeSpans")->as_array())[0];
  const json::Value& span = (*scope.find("spans")->as_array())[0];
  EXPECT_EQ(*span.find("name")->as_string(), "accepted");
  EXPECT_EQ(*span.find("startTimeUnixNano")->as_string(), "1000000000");
  EXPECT_EQ(*span.find("endTimeUnixNano")->as_string(), "1002000000");
  EXPECT_EQ(*span.find("status")->find("message")->as_string(), "a \"quoted\" error");
  EXPECT_TRUE(json::parse(otlp_text({}, "1")));
}

}  // namespace
}  // namespace penstock::api
