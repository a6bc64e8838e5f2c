#include "api/openai/openai_text.h"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

using core::JobStatus;

core::Bytes text(const char* json) {
  return core::bytes(json);
}

TEST(OpenAiText, the_body_is_handed_on_untouched) {
  const auto posted = openai_question("/v1/chat/completions", R"( {"n": 1.0, "stream": true} )");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->input, R"({"openai_route":"/v1/chat/completions","openai_input":{"n": 1.0, "stream": true}})");
  EXPECT_TRUE(posted->streams);
  const auto got = openai_question("/v1/models/a\"b", "");
  EXPECT_EQ(got->input, R"({"openai_route":"/v1/models/a\"b"})");
  EXPECT_FALSE(got->streams);
  EXPECT_FALSE(openai_question("/v1/x", R"({"stream": false})")->streams);
  EXPECT_FALSE(openai_question("/v1/x", R"({"inner": {"stream": true}})")->streams);
  EXPECT_FALSE(openai_question("/v1/x", "[1]"));
}

TEST(OpenAiText, a_list_of_one_is_unwrapped) {
  const std::vector<core::Bytes> one = {text(R"({"output":{"c":1}})")};
  const std::vector<core::Bytes> two = {text(R"({"output":1})"), text(R"({"metrics":0,"output":2})")};
  EXPECT_EQ(openai_body(text(R"([{"a":[1]}])"), one), R"({"a":[1]})");
  EXPECT_EQ(openai_body(text("[1,2]"), one), "[1,2]");
  EXPECT_EQ(openai_body(text(R"({"a":1})"), one), R"({"a":1})");
  EXPECT_EQ(openai_body(text("[]"), one), R"({"c":1})");
  EXPECT_EQ(openai_body(nullptr, one), R"({"c":1})");
  EXPECT_EQ(openai_body(text("[]"), two), "[1,2]");
  EXPECT_EQ(openai_body(text("[]"), {}), "[]");
  EXPECT_EQ(openai_body(nullptr, {}), "null");
}

TEST(OpenAiText, texts_are_passed_on_and_objects_become_events) {
  EXPECT_EQ(stream_piece(R"("data: {\"a\":1}\n\ndat")"), "data: {\"a\":1}\n\ndat");
  EXPECT_EQ(stream_piece(R"("\u00f8")"), "\u00f8");
  EXPECT_EQ(stream_piece("{\n \"a\": 1\n}"), "data: { \"a\": 1}\n\n");
  EXPECT_EQ(stream_piece("null"), "");
  EXPECT_EQ(stream_of_output(text(R"(["a\n", {"b":1}])")), "a\ndata: {\"b\":1}\n\n");
  EXPECT_EQ(stream_of_output(text(R"("whole")")), "whole");
  EXPECT_EQ(stream_of_output(nullptr), "");
}

TEST(OpenAiText, a_failure_has_the_status_that_its_error_names) {
  const auto status = [](JobStatus ended, std::optional<std::string> error) {
    core::JobView job;
    job.status = ended;
    job.error = std::move(error);
    return openai_failure(job).status;
  };
  EXPECT_EQ(status(JobStatus::failed, "{'message': 'vLLM returned HTTP 400: too long'}"), 400);
  EXPECT_EQ(status(JobStatus::failed, "vLLM returned HTTP 200: what"), 500);
  EXPECT_EQ(status(JobStatus::failed, "vLLM returned HTTP "), 500);
  EXPECT_EQ(status(JobStatus::failed, "vLLM returned HTTP 99999999999999999999: x"), 500);
  EXPECT_EQ(status(JobStatus::failed, "broke"), 500);
  EXPECT_EQ(status(JobStatus::failed, "job timed out"), 504);
  EXPECT_EQ(status(JobStatus::timed_out, std::nullopt), 504);
  EXPECT_EQ(status(JobStatus::cancelled, std::nullopt), 500);
}

}  // namespace
}  // namespace penstock::api
