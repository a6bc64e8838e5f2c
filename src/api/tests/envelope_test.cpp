#include "api/jobs/envelope.h"

#include <gtest/gtest.h>

#include "api/jobs/job_text.h"
#include "api/worker/result.h"

namespace penstock::api {
namespace {

Result<core::JobRequest> read(const std::string& body, std::string_view key_header = {}) {
  return read_submission(body, *net::AddressRules::make(false, ""), key_header);
}

TEST(Submission, input_keeps_the_clients_own_bytes) {
  const std::string input = "{ \"z\":1.0,\"a\":12345678901234567890 , \"s\":\"\\u2028 \xF0\x9F\x98\x80\" }";
  const auto request = read("{\"foo\":1, \"input\": " + input + " }");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(*request->input, input);
}

TEST(Submission, a_missing_input_is_an_empty_object_and_an_empty_object_stays_one) {
  EXPECT_EQ(*read("{}")->input, "{}");
  EXPECT_EQ(*read("{\"input\":{}}")->input, "{}");
}

TEST(Submission, the_policy_is_read) {
  const auto request = read(R"({"input":1,"policy":{"executionTimeout":5000,"ttl":604800000,"lowPriority":true}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->execution_timeout, Millis{5000});
  EXPECT_EQ(request->ttl, Millis{604'800'000});
  EXPECT_EQ(request->priority, core::Priority::low);
  EXPECT_EQ(read(R"({"input":1,"policy":{"executionTimeout":0}})")->execution_timeout, std::nullopt);
}

TEST(Submission, takes_a_webhook) {
  EXPECT_EQ(read(R"({"input":1,"webhook":"https:\/\/example.com/hook"})")->webhook, "https://example.com/hook");
  for (const char* none : {R"({"input":1})", R"({"input":1,"webhook":null})", R"({"input":1,"webhook":""})"}) {
    EXPECT_EQ(read(none)->webhook, "") << none;
  }
}

TEST(Submission, the_priority_has_a_name) {
  const auto priority = [](const char* policy) { return read(std::string("{\"policy\":") + policy + "}")->priority; };
  EXPECT_EQ(priority("{}"), core::Priority::normal);
  EXPECT_EQ(priority(R"({"priority":"high"})"), core::Priority::high);
  EXPECT_EQ(priority(R"({"priority":"low","lowPriority":false})"), core::Priority::low);
  EXPECT_EQ(priority(R"({"priority":"low","lowPriority":true})"), core::Priority::low);
  EXPECT_EQ(priority(R"({"priority":null,"lowPriority":null})"), core::Priority::normal);
}

TEST(Submission, an_idempotency_key_comes_in_the_body_or_in_the_header) {
  const std::string body = R"({"input":1,"idempotencyKey":"order-7"})";
  EXPECT_EQ(read("{}")->idempotency_key, "");
  EXPECT_EQ(read(body)->idempotency_key, "order-7");
  EXPECT_EQ(read("{}", "order-7")->idempotency_key, "order-7");
  EXPECT_EQ(read("{}", "\"order-7\"")->idempotency_key, "order-7") << "a structured header is quoted";
  EXPECT_EQ(read(body, "order-7")->idempotency_key, "order-7");
  EXPECT_EQ(read(R"({"idempotencyKey":null})", "order-7")->idempotency_key, "order-7");
  EXPECT_EQ(read("{}", std::string(255, 'k'))->idempotency_key.size(), 255u);
  const auto refusal = [](const auto& request) { return request ? std::string("accepted") : request.error().message; };
  EXPECT_NE(refusal(read(body, "order-8")).find("differ"), std::string::npos);
  EXPECT_NE(refusal(read("{}", std::string(256, 'k'))).find("256 bytes; 1 to 255"), std::string::npos);
  EXPECT_NE(refusal(read("{}", "\"\"")).find("0 bytes; 1 to 255"), std::string::npos);
  EXPECT_NE(refusal(read("{}", "caf\xc3\xa9")).find("printable ASCII"), std::string::npos);
}

struct Bad {
  const char* body;
  Errc code;
  const char* names;  // a part of the message
};

TEST(Submission, every_bad_body_says_what_is_wrong) {
  const Bad bads[] = {
      {"", Errc::invalid, "the body is empty"},
      {"  ", Errc::invalid, "the body is empty"},
      {"[]", Errc::invalid, "the body is not accepted"},
      {"{\"input\":}", Errc::invalid, "the body is not accepted"},
      {"{\"input\":NaN}", Errc::invalid, "the body is not accepted"},
      {"{\"input\":null}", Errc::invalid, "input is null"},
      {R"({"input":1,"policy":7})", Errc::invalid, "policy is 7"},
      {R"({"input":1,"policy":{"ttl":9999}})", Errc::invalid, "policy.ttl is 9999 ms; it must be from 10000"},
      {R"({"input":1,"policy":{"executionTimeout":4999}})", Errc::invalid, "policy.executionTimeout is 4999"},
      {R"({"input":1,"policy":{"executionTimeout":"5s"}})", Errc::invalid, "a whole number of milliseconds"},
      {R"({"input":1,"policy":{"lowPriority":1}})", Errc::invalid, "policy.lowPriority is 1"},
      {R"({"input":1,"policy":{"priority":"urgent"}})", Errc::invalid, "policy.priority is \"urgent\"; \"high\""},
      {R"({"input":1,"policy":{"priority":1}})", Errc::invalid, "policy.priority is 1"},
      {R"({"policy":{"priority":"high","lowPriority":true}})", Errc::invalid, "give one of them"},
      {R"({"idempotencyKey":7})", Errc::invalid, "idempotencyKey is 7; a text is accepted"},
      {R"({"idempotencyKey":""})", Errc::invalid, "idempotencyKey has 0 bytes"},
      {R"({"idempotencyKey":"a\nb"})", Errc::invalid, "not printable ASCII"},
      {R"({"input":1,"s3Config":"x"})", Errc::invalid, "s3Config is \"x\""},
      {R"({"input":1,"webhook":5})", Errc::invalid, "webhook is 5; a URL in a string is accepted"},
      {R"({"input":1,"webhook":{"url":"https://example.com"}})", Errc::invalid, "a URL in a string is accepted"},
      {R"({"input":1,"webhook":"example.com/hook"})", Errc::invalid, "webhook: \"example.com/hook\" is not a URL"},
      {R"({"input":1,"webhook":"http://127.0.0.1/"})", Errc::invalid, "127.0.0.1 is a loopback address"},
  };
  for (const Bad& bad : bads) {
    const auto request = read(bad.body);
    ASSERT_FALSE(request) << bad.body;
    EXPECT_EQ(request.error().code, bad.code) << bad.body;
    EXPECT_NE(request.error().message.find(bad.names), std::string::npos) << request.error().message;
  }
}

TEST(WorkerResults, are_read_as_the_sdk_posts_them) {
  EXPECT_EQ(*read_result(R"({"output": [1, 2.50]})")->output, "[1, 2.50]");
  EXPECT_EQ(*read_result(R"({"output": 1, "output": 2})")->output, "2") << "the last one counts";
  EXPECT_EQ(*read_result(R"({"output":null})")->output, "null");
  EXPECT_EQ(read_result("{}")->output, nullptr);
  const auto failed = read_result(R"({"output":{"x":1},"error":"b\"ad"})");
  EXPECT_EQ(failed->error, "b\"ad");
  EXPECT_EQ(*failed->output, R"({"x":1})");
  EXPECT_EQ(read_result(R"({"error":{"code":1}})")->error, R"({"code":1})");
  EXPECT_EQ(read_result(R"({"error":null})")->error, std::nullopt);
  EXPECT_TRUE(read_result(R"({"output":1,"stopPod":true})")->stop_worker);
  EXPECT_TRUE(read_result(R"({"status":"IN_PROGRESS","output":1})")->progress);
  EXPECT_FALSE(read_result(R"({"output":NaN})"));
  EXPECT_FALSE(read_result("null"));
}

TEST(JobText, a_terminal_job_has_worker_delay_and_execution) {
  core::JobView job;
  job.id = *JobId::parse("j-1");
  job.status = core::JobStatus::cancelled;
  EXPECT_EQ(job_text(job), R"({"delayTime":0,"executionTime":0,"id":"j-1","status":"CANCELLED","workerId":""})");
  job.status = core::JobStatus::in_queue;
  EXPECT_EQ(job_text(job), R"({"id":"j-1","status":"IN_QUEUE"})");
  job.status = core::JobStatus::failed;
  job.error = "a\nb";
  job.retries = 1;
  job.output = core::bytes("[ 1 ]");
  EXPECT_EQ(job_text(job), R"({"delayTime":0,"error":"a\nb","executionTime":0,"id":"j-1","output":[ 1 ],"retries":1,)"
                           R"("status":"FAILED","workerId":""})");
}

TEST(Submission, AnInputIsKeptInTheMemoryOfItsBodyWhenItIsMostOfIt) {
  const std::string large = '"' + std::string(1'000, 'x') + '"';
  const std::string url = "https://example.com/" + std::string(500, 'y');
  for (const std::string& input : {large, std::string("1"), std::string(R"({"a": [1, 2.50]})")}) {
    for (const std::string& body : {R"({"webhook":")" + url + R"(", "input": )" + input + "}",
                                    R"({"input":)" + input + R"(,"policy":{"priority":"high"}})"}) {
      const auto request = read(body);
      ASSERT_TRUE(request.has_value()) << request.error().message;
      EXPECT_EQ(*request->input, input);
      EXPECT_LE(request->input->capacity(), std::max<std::size_t>(2 * input.size() + 1, 15));
    }
  }
  EXPECT_EQ(*read("{}")->input, "{}");
}

}  // namespace
}  // namespace penstock::api
