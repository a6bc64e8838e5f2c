#include <algorithm>

#include "core/tests/rig.h"
#include "core/webhooks/delivery_rules.h"

namespace penstock::core {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUrl = "https://hooks.example.org/in?x=1";

// ---------------------------------------------------------------- the rules

TEST(DeliveryRules, TheWaitsGrowUpToAnHour) {
  const std::int64_t expected[] = {5, 15, 60, 240, 960, 3'600, 3'600};
  int failed = 0;
  for (const std::int64_t seconds : expected) EXPECT_EQ(retry_delay(++failed, 5s), Millis{seconds * 1'000}) << failed;
  EXPECT_EQ(retry_delay(1'000'000, 5s), 3'600'000ms);
  EXPECT_EQ(retry_delay(1, 1ms), 1ms);
  EXPECT_EQ(retry_delay(2, 1ms), 3ms);
  EXPECT_EQ(retry_delay(2, 3'600'000ms), 10'800'000ms);  // never shorter than the wait before
  EXPECT_EQ(retry_delay(3, 3'600'000ms), 10'800'000ms);
}

TEST(DeliveryRules, Any2xxIsSuccessAndNothingElse) {
  const EngineSettings settings;
  const Time now{Millis{1'000'000}};
  for (const int code : {200, 201, 204, 299}) {
    const auto after = after_attempt(new_round({}, now), now, {code, {}}, settings);
    EXPECT_EQ(after.status, DeliveryStatus::delivered) << code;
    EXPECT_EQ(after.last_code, code);
    EXPECT_EQ(after.settled, now);
    EXPECT_EQ(after.expires, now + settings.webhook_retention);
    EXPECT_EQ(after.last_error, "");
  }
  for (const int code : {199, 300, 302, 400, 404, 410, 429, 500, 503}) {
    const auto after = after_attempt(new_round({}, now), now, {code, {}}, settings);
    EXPECT_EQ(after.status, DeliveryStatus::pending) << code;
    EXPECT_EQ(after.next, now + 5s);
    EXPECT_EQ(after.last_error, "answered with HTTP status " + std::to_string(code));
  }
  const auto lost = after_attempt(new_round({}, now), now, {std::nullopt, std::string(10'000, 'x')}, settings);
  EXPECT_EQ(lost.last_code, std::nullopt);
  EXPECT_EQ(lost.last_error.size(), 500u);
}

/// Attempts of a round in which each one fails at once, and how long after its start it was given up.
std::pair<int, Millis> round_of_failures(const EngineSettings& settings) {
  const Time start{Millis{1'000'000}};
  DeliveryState state = new_round({}, start);
  while (state.status == DeliveryStatus::pending) state = after_attempt(state, state.next, {500, {}}, settings);
  return {state.attempts, *state.settled - start};
}

TEST(DeliveryRules, ThreeAttemptsThenTheBackOffWithinItsTime) {
  EngineSettings settings;
  settings.webhook_retry_for = 0ms;
  EXPECT_EQ(round_of_failures(settings), std::pair(3, Millis{20'000}));
  settings.webhook_retry_for = 79s;
  EXPECT_EQ(round_of_failures(settings), std::pair(3, Millis{20'000}));
  settings.webhook_retry_for = 80s;
  EXPECT_EQ(round_of_failures(settings), std::pair(4, Millis{80'000}));
  settings.webhook_retry_for = 24h;
  const auto [attempts, time] = round_of_failures(settings);
  EXPECT_LE(time, 24h);
  EXPECT_GT(time, 22h);
  EXPECT_EQ(attempts, 29);
}

TEST(DeliveryRules, AnOriginIsSchemeHostAndPort) {
  EXPECT_EQ(origin_of("HTTPS://Hooks.Example.org:8443/a/B?c#d"), "https://hooks.example.org:8443");
  EXPECT_EQ(origin_of("http://a?x=http://b"), "http://a");
  EXPECT_EQ(origin_of("http://a"), "http://a");
}

// ---------------------------------------------------------------- the engine

class Webhooks : public testing::Test {
 protected:
  explicit Webhooks(EngineSettings settings = {}) : rig(settings), staff(rig.staffed()) {}

  JobId submit(const std::string& url = kUrl) {
    return rig.submit(staff.endpoint, [&](JobRequest& request) { request.webhook = url; });
  }
  /// A job with a webhook that is COMPLETED.
  JobId completed(const std::string& url = kUrl) {
    const JobId job = submit(url);
    rig.finish(staff.endpoint, staff.worker, job, "\"out\"");
    const auto posts = rig.last.posts;
    rig.take(staff.endpoint, staff.worker);
    rig.last.posts = posts;
    return job;
  }
  const WebhookDelivery& only() const {
    EXPECT_EQ(rig.books.deliveries().size(), 1u);
    return rig.books.deliveries().front();
  }
  const WebhookDelivery& of(const JobId& job) const {
    return *std::ranges::find(rig.books.deliveries(), job, &WebhookDelivery::job);
  }
  void answer(const DeliveryId& id, int code) { rig.apply(WebhookPosted{id, code, {}}); }
  void no_answer(const DeliveryId& id) { rig.apply(WebhookPosted{id, std::nullopt, "connection refused"}); }
  std::vector<PostWebhook> posts_since(std::size_t before) const {
    return {rig.all.posts.begin() + static_cast<std::ptrdiff_t>(before), rig.all.posts.end()};
  }

  Rig rig;
  Rig::Staffed staff;
};

TEST_F(Webhooks, TheEndOfAJobIsRecordedAndPostedInOneTurn) {
  const JobId job = completed();
  ASSERT_EQ(rig.last.posts.size(), 1u);
  const PostWebhook& post = rig.last.posts.front();
  EXPECT_TRUE(post.complete);
  EXPECT_EQ(post.delivery.id, only().id);
  EXPECT_TRUE(post.delivery.id.str().starts_with("whd_"));
  EXPECT_EQ(post.delivery.url, kUrl);
  EXPECT_EQ(post.delivery.job, job);
  EXPECT_EQ(post.delivery.content.status, JobStatus::completed);
  EXPECT_EQ(text_of(post.delivery.content.output), "\"out\"");
  EXPECT_NE(post.delivery.content.input, nullptr);
  EXPECT_EQ(only().state.status, DeliveryStatus::pending);

  rig.advance(40ms);
  answer(post.delivery.id, 204);
  EXPECT_EQ(only().state.status, DeliveryStatus::delivered);
  EXPECT_EQ(only().state.attempts, 1);
  EXPECT_EQ(rig.engine->webhooks_in_flight(), 0);
  const std::size_t before = rig.all.posts.size();
  rig.advance(24h + 2min);
  EXPECT_TRUE(posts_since(before).empty());
  EXPECT_TRUE(rig.books.deliveries().empty()) << "it is not listed for ever";
}

TEST_F(Webhooks, AJobWithoutOneTellsNobody) {
  const JobId job = rig.submit(staff.endpoint);
  rig.finish(staff.endpoint, staff.worker, job);
  EXPECT_TRUE(rig.all.posts.empty());
  EXPECT_TRUE(rig.books.deliveries().empty());
}

TEST_F(Webhooks, EveryEndIsTold) {
  const JobId failed = submit();
  rig.fail_job(staff.endpoint, staff.worker, failed, "bad");
  EXPECT_EQ(of(failed).content.status, JobStatus::failed);
  EXPECT_EQ(of(failed).content.error, "bad");

  const JobId cancelled = submit();
  rig.send(CancelJob{0, staff.endpoint, cancelled});
  EXPECT_EQ(of(cancelled).content.status, JobStatus::cancelled);
  EXPECT_EQ(of(cancelled).content.execution_ms, 0);

  const JobId purged = submit();
  rig.send(PurgeQueue{0, staff.endpoint});
  EXPECT_EQ(of(purged).content.status, JobStatus::cancelled);

  const JobId expired = rig.submit(staff.endpoint, [](JobRequest& request) {
    request.webhook = kUrl;
    request.ttl = 10s;
  });
  rig.advance(10s);
  EXPECT_EQ(of(expired).content.status, JobStatus::timed_out);

  const JobId left = submit();
  rig.save(staff.endpoint, [](EndpointInput& input) { input.workers_min = input.workers_max = 0; });
  EndpointId endpoint = staff.endpoint;
  rig.send(DeleteEndpoint{0, rig.owner, endpoint.str()});
  EXPECT_EQ(of(left).content.status, JobStatus::cancelled) << "a delivery outlives its endpoint";
  EXPECT_EQ(rig.all.posts.size(), 5u);
  rig.restart();
  rig.advance(0ms);
  EXPECT_EQ(rig.engine->webhooks_in_flight(), 5);
}

TEST_F(Webhooks, AFailedOneIsTriedThreeTimesAndThenLessOften) {
  completed();
  const DeliveryId id = only().id;
  for (const Millis wait : {5'000ms, 15'000ms, 60'000ms, 240'000ms}) {
    answer(id, 500);
    EXPECT_EQ(only().state.status, DeliveryStatus::pending);
    EXPECT_EQ(rig.engine->webhooks_in_flight(), 0);
    const std::size_t before = rig.all.posts.size();
    rig.advance(wait - 1ms);
    EXPECT_TRUE(posts_since(before).empty());
    rig.advance(1ms);
    ASSERT_EQ(posts_since(before).size(), 1u) << wait.count();
    EXPECT_EQ(posts_since(before)[0].delivery.id, id);
    EXPECT_FALSE(posts_since(before)[0].complete);
    EXPECT_EQ(posts_since(before)[0].delivery.content.output, nullptr) << "those who wait must not fill the memory";
  }
  EXPECT_EQ(only().state.attempts, 4);
  EXPECT_EQ(rig.status(staff.endpoint, only().job), JobStatus::completed) << "the job is not touched by its webhook";
}

TEST_F(Webhooks, ALateEndOfAPostThatIsNotInFlightIsIgnored) {
  completed();
  const DeliveryId id = only().id;
  answer(id, 500);
  answer(id, 200);
  EXPECT_EQ(only().state.status, DeliveryStatus::pending);
  EXPECT_EQ(only().state.attempts, 1);
  answer(*DeliveryId::parse("whd_other"), 200);
}

TEST_F(Webhooks, ARetriedJobTellsOfItsSecondEndWithAnotherId) {
  const JobId job = submit();
  rig.fail_job(staff.endpoint, staff.worker, job, "bad");
  answer(only().id, 200);
  rig.take(staff.endpoint, staff.worker);
  rig.send(RetryJob{0, staff.endpoint, job});
  rig.finish(staff.endpoint, staff.worker, job);
  ASSERT_EQ(rig.books.deliveries().size(), 2u);
  EXPECT_NE(rig.books.deliveries()[0].id, rig.books.deliveries()[1].id);
  EXPECT_EQ(rig.books.deliveries()[1].content.status, JobStatus::completed);
}

TEST_F(Webhooks, ACrashRepeatsWhatWasInFlightAndKeepsTheTimesOfTheRest) {
  completed();
  const DeliveryId waiting = only().id;
  answer(waiting, 500);
  const JobId second = completed();
  const DeliveryId in_flight = of(second).id;
  rig.advance(1s);
  const std::size_t before = rig.all.posts.size();
  rig.restart();
  rig.advance(0ms);
  ASSERT_EQ(posts_since(before).size(), 1u);
  EXPECT_EQ(posts_since(before)[0].delivery.id, in_flight);
  EXPECT_FALSE(posts_since(before)[0].complete);
  rig.advance(4s);
  ASSERT_EQ(posts_since(before).size(), 2u);
  EXPECT_EQ(posts_since(before)[1].delivery.id, waiting);
  rig.engine->check_invariants();
}

TEST_F(Webhooks, AClockThatWasSetBackMeanwhileDelaysNoneForLong) {
  completed();
  answer(only().id, 500);
  rig.now -= 100h;
  const std::size_t before = rig.all.posts.size();
  rig.restart();
  rig.advance(5s);
  EXPECT_EQ(posts_since(before).size(), 1u);
}

TEST_F(Webhooks, TheEndOfTheServerPostsNothingMore) {
  rig.apply(Shutdown{});
  const JobId job = submit();
  rig.send(CancelJob{0, staff.endpoint, job});
  EXPECT_TRUE(rig.all.posts.empty());
  EXPECT_EQ(of(job).state.status, DeliveryStatus::pending);
  rig.restart();
  rig.advance(0ms);
  EXPECT_EQ(rig.all.posts.size(), 1u);
}

// ---------------------------------------------------------------- sent again on demand

TEST_F(Webhooks, ADeliveredOneIsSentAgainWithItsId) {
  completed();
  const WebhookDelivery delivery = only();
  answer(delivery.id, 200);
  rig.advance(1h);
  const std::size_t before = rig.all.posts.size();
  const Token token = rig.send(RedeliverWebhook{0, rig.owner, only()});
  EXPECT_EQ(rig.reply<DeliveryReply>(token).delivery.state.status, DeliveryStatus::pending);
  ASSERT_EQ(posts_since(before).size(), 1u);
  EXPECT_EQ(posts_since(before)[0].delivery.id, delivery.id);
  EXPECT_EQ(posts_since(before)[0].delivery.state.attempts, 1);
  EXPECT_EQ(rig.code(rig.send(RedeliverWebhook{0, rig.owner, only()})), Errc::conflict);
  answer(delivery.id, 500);
  EXPECT_EQ(only().state.next, rig.now + 5s) << "it is a round of its own";
  EXPECT_EQ(only().state.attempts, 2);
}

TEST_F(Webhooks, AWaitingOneIsSentAtOnceAndOnlyOnce) {
  completed();
  const DeliveryId id = only().id;
  for (int i = 0; i < 3; ++i) {
    answer(id, 500);
    if (i < 2) rig.advance(15s);
  }
  const std::size_t before = rig.all.posts.size();
  rig.send(RedeliverWebhook{0, rig.owner, only()});
  EXPECT_EQ(posts_since(before).size(), 1u);
  answer(id, 200);
  rig.advance(1h);
  EXPECT_EQ(posts_since(before).size(), 1u);
}

TEST_F(Webhooks, NobodyElsesAndNoForgottenOneIsSentAgain) {
  completed();
  answer(only().id, 200);
  const WebhookDelivery delivery = only();
  EXPECT_EQ(rig.code(rig.send(RedeliverWebhook{0, *AccountId::parse("other"), delivery})), Errc::not_found);
  rig.advance(25h);
  EXPECT_EQ(rig.code(rig.send(RedeliverWebhook{0, rig.owner, delivery})), Errc::not_found);
}

// ---------------------------------------------------------------- bounds

EngineSettings narrow() {
  EngineSettings settings;
  settings.webhooks_in_flight_max = 3;
  settings.webhooks_in_flight_per_host = 2;
  settings.webhooks_open_max = 6;
  settings.webhook_payload_bytes_max = 5;
  return settings;
}

class BoundedWebhooks : public Webhooks {
 protected:
  BoundedWebhooks() : Webhooks(narrow()) {}
};

TEST_F(BoundedWebhooks, NoHostAndNotAllTogetherGetMoreAtOnceThanSet) {
  for (int i = 0; i < 4; ++i) completed("https://a.example/" + std::to_string(i));
  EXPECT_EQ(rig.all.posts.size(), 2u);
  const JobId other = completed("https://b.example/");
  ASSERT_EQ(rig.all.posts.size(), 3u) << "a busy host does not hold another up";
  EXPECT_EQ(rig.all.posts[2].delivery.job, other);
  const JobId third = completed("https://c.example/");
  EXPECT_EQ(rig.all.posts.size(), 3u);
  answer(of(other).id, 200);
  ASSERT_EQ(rig.all.posts.size(), 4u);
  EXPECT_EQ(rig.all.posts[3].delivery.job, third);
  EXPECT_FALSE(rig.all.posts[3].complete) << "whoever waits for its turn leaves its content in the store";
  for (std::size_t i = 0; i < rig.all.posts.size(); ++i) {
    rig.engine->check_invariants();
    answer(DeliveryId(rig.all.posts[i].delivery.id), 200);
  }
  EXPECT_EQ(rig.all.posts.size(), 6u);
}

TEST_F(BoundedWebhooks, AHostThatCannotBeReachedGetsOneAtATime) {
  for (int i = 0; i < 5; ++i) completed();
  for (std::size_t i = 0; i < 3; ++i) no_answer(DeliveryId(rig.all.posts[i].delivery.id));
  EXPECT_EQ(rig.engine->webhooks_in_flight(), 1);
  no_answer(DeliveryId(rig.all.posts[3].delivery.id));
  EXPECT_EQ(rig.engine->webhooks_in_flight(), 1);
  answer(DeliveryId(rig.all.posts[4].delivery.id), 503);
  rig.advance(5s);
  EXPECT_EQ(rig.engine->webhooks_in_flight(), 2) << "it has answered";
}

TEST_F(BoundedWebhooks, MoreThanCanBeKeptAreRefusedWhenTheyAreSubmitted) {
  for (int i = 0; i < 3; ++i) completed();
  for (int i = 0; i < 3; ++i) submit();
  Submit command;
  command.request.endpoint = staff.endpoint;
  command.request.input = bytes("1");
  command.request.webhook = kUrl;
  Token token = rig.send(command);
  EXPECT_EQ(rig.code(token), Errc::busy);
  EXPECT_NE(rig.error(token).find("6 jobs with a webhook"), std::string::npos) << rig.error(token);
  rig.engine->check_invariants();
  rig.restart();
  rig.engine->check_invariants();
  EXPECT_EQ(rig.code(rig.send(command)), Errc::busy);
  command.request.webhook.clear();
  rig.reply<JobAccepted>(rig.send(command));
  rig.advance(0ms);
  answer(rig.books.deliveries().front().id, 200);
  command.request.webhook = kUrl;
  rig.reply<JobAccepted>(rig.send(command));
}

TEST_F(BoundedWebhooks, WhatIsTooLargeIsLeftOutAndNamed) {
  const JobId job = rig.submit(staff.endpoint, [](JobRequest& request) {
    request.webhook = kUrl;
    request.input = bytes("123456");
  });
  rig.finish(staff.endpoint, staff.worker, job, "12345");
  const WebhookContent& content = only().content;
  EXPECT_TRUE(content.input_omitted);
  EXPECT_EQ(content.input, nullptr);
  EXPECT_FALSE(content.output_omitted);
  EXPECT_EQ(text_of(content.output), "12345");
}

TEST(WebhookSecret, TheOneBeforeIsKept) {
  Rig rig;
  rig.reply<Done>(rig.send(SaveWebhookSecret{0, rig.owner, "sealed 1"}));
  rig.advance(1s);
  rig.reply<Done>(rig.send(SaveWebhookSecret{0, rig.owner, "sealed 2"}));
  rig.restart();
  const Account& account = *rig.engine->find_account(rig.owner);
  EXPECT_EQ(account.webhook_secret, "sealed 2");
  EXPECT_EQ(account.webhook_secret_before, "sealed 1");
  EXPECT_EQ(account.webhook_secret_since, rig.now);
  EXPECT_EQ(rig.code(rig.send(SaveWebhookSecret{0, *AccountId::parse("other"), "x"})), Errc::not_found);
}

}  // namespace
}  // namespace penstock::core
