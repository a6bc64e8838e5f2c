#include "server/script.h"

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

const EndpointId kEndpoint = *EndpointId::parse("ep");

Script script(const std::string& text) {
  auto made = Script::parse(text, "s.yaml");
  EXPECT_TRUE(made) << made.error().message;
  return std::move(made).value_or(Script());
}

std::string refusal(const std::string& text) {
  const auto made = Script::parse(text, "s.yaml");
  return made ? "accepted" : made.error().message;
}

core::HandOut job(const char* input) {
  core::HandOut out;
  out.input = core::bytes(input);
  return out;
}

TEST(Script, SaysNothingByDefault) {
  Script none = script("");
  EXPECT_EQ(iso8601(none.begin()), "2026-01-01T00:00:00.000Z");
  const launch::WorkerPlan worker = none.plan_worker("any", kEndpoint);
  EXPECT_EQ(worker.loading, Millis{0});
  EXPECT_FALSE(worker.start_failure || worker.crash_code);
  const launch::JobPlan plan = none.plan_job("any", kEndpoint, job("{}"));
  EXPECT_EQ(plan.execution, Millis{0});
  EXPECT_EQ(plan.output, nullptr);
  EXPECT_FALSE(plan.error || plan.death_code || plan.hangs);
}

TEST(Script, AnEndpointIsFoundByNameOrIdAndFallsBackToAll) {
  Script s = script(
      "start: 2026-03-01T00:00:00Z\n"
      "workers: {loading: 2s, execution: 1m}\n"
      "endpoints: {images: {loading: 1h}, ep2: {execution: 5ms}}\n");
  EXPECT_EQ(iso8601(s.begin()), "2026-03-01T00:00:00.000Z");
  EXPECT_EQ(s.plan_worker("images", kEndpoint).loading, Millis{3'600'000});
  EXPECT_EQ(s.plan_worker("images -fb", kEndpoint).loading, Millis{3'600'000});
  EXPECT_EQ(s.plan_worker("other", kEndpoint).loading, Millis{2'000});
  EXPECT_EQ(s.plan_job("images", kEndpoint, job("1")).execution, Millis{60'000});
  EXPECT_EQ(s.plan_job("x", *EndpointId::parse("ep2"), job("1")).execution, Millis{5});
}

TEST(Script, TheFirstRuleThatFitsDecides) {
  Script s = script(
      "workers:\n"
      "  output: {ok: true, n: 1.5, text: \"7\", none: null, list: [1, a]}\n"
      "  starts: [{start: 2, fails: no image}, {every: 3, crashes: 9}]\n"
      "  jobs:\n"
      "    - {input: {prompt: boom}, error: out of memory}\n"
      "    - {job: 2, dies: 137}\n"
      "    - {every: 3, hangs: true}\n"
      "    - {job: 4, execution: 3s, output: [1]}\n");
  EXPECT_FALSE(s.plan_worker("e", kEndpoint).start_failure);
  EXPECT_EQ(s.plan_worker("e", kEndpoint).start_failure, "no image");
  EXPECT_EQ(s.plan_worker("e", kEndpoint).crash_code, 9);
  EXPECT_EQ(*s.plan_job("e", kEndpoint, job("{}")).output,
            R"({"ok":true,"n":1.5,"text":"7","none":null,"list":[1,"a"]})");
  EXPECT_EQ(s.plan_job("e", kEndpoint, job("{}")).death_code, 137);
  EXPECT_TRUE(s.plan_job("e", kEndpoint, job("{}")).hangs);
  const launch::JobPlan fourth = s.plan_job("e", kEndpoint, job("{}"));
  EXPECT_EQ(fourth.execution, Millis{3'000});
  EXPECT_EQ(*fourth.output, "[1]");
  EXPECT_EQ(s.plan_job("e", kEndpoint, job(R"({"prompt":"boom","n":1})")).error, "out of memory");
  EXPECT_FALSE(s.plan_job("e", kEndpoint, job(R"({"prompt":"other"})")).error);
  EXPECT_EQ(s.plan_job("e", *EndpointId::parse("ep2"), job("{}")).death_code, std::nullopt) << "endpoints count apart";
}

TEST(Script, TimesAreDrawnFromTheSeed) {
  const std::string text = "seed: 5\nworkers: {execution: 10ms..20ms}\n";
  Script one = script(text);
  Script same = script(text);
  for (int i = 0; i < 100; ++i) {
    const Millis drawn = one.plan_job("e", kEndpoint, job("{}")).execution;
    EXPECT_EQ(drawn, same.plan_job("e", kEndpoint, job("{}")).execution);
    EXPECT_GE(drawn, Millis{10});
    EXPECT_LE(drawn, Millis{20});
  }
}

TEST(Script, RefusesWithFileAndLine) {
  EXPECT_EQ(refusal("workers:\n  executoin: 3s\n"),
            "s.yaml:2: unknown key \"executoin\" of workers; did you mean \"execution\"?");
  EXPECT_EQ(refusal("workers: {loading: 3 apples}"),
            "s.yaml:1: loading is \"3 apples\"; a time such as 500ms, 2s, 1m, 1h, or a range such as 500ms..2s is "
            "accepted");
  EXPECT_NE(refusal("workers: {loading: 3s..1s}").find("loading"), std::string::npos);
  EXPECT_NE(refusal("workers: {loading: 99999999999999999h}").find("loading"), std::string::npos);
  EXPECT_NE(refusal("workers: {loading: [1]}").find("single value"), std::string::npos);
  EXPECT_NE(refusal("workers: 7").find("must be a map"), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: {job: 1}}").find("list of rules"), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: [{start: 1}]}").find("unknown key \"start\""), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: [{job: 0}]}").find("from 1 to"), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: [{dies: 256}]}").find("from 0 to 255"), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: [{hangs: maybe}]}").find("true or false"), std::string::npos);
  EXPECT_NE(refusal("workers: {jobs: [{input: 3}]}").find("input must be a map"), std::string::npos);
  EXPECT_NE(refusal("start: noon").find("start must be"), std::string::npos);
  EXPECT_NE(refusal("seed: 1\nseed: 2\n").find("twice"), std::string::npos);
  EXPECT_NE(refusal("workers: [").find("s.yaml:"), std::string::npos);
  EXPECT_NE(Script::load("/nowhere/s.yaml").error().message.find("/nowhere/s.yaml"), std::string::npos);
}

}  // namespace
}  // namespace penstock::server
