#include "core/queue/why.h"

#include <functional>

#include "core/tests/rig.h"

// Words for each reason, from values; and from an engine, that the values are true.

namespace penstock::core {
namespace {

testing::AssertionResult has(const std::vector<std::string>& texts, const std::string& part) {
  std::string all;
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
    all += "\n  " + text;
  }
  return testing::AssertionFailure() << "\"" << part << "\" is in none of:" << all;
}
testing::AssertionResult has(const std::string& text, const std::string& part) {
  return has(std::vector<std::string>{text}, part);
}

const Time kNoon{Millis{1'800'000'000'000}};

EndpointSituation two_busy_of_two() {
  EndpointSituation in;
  in.endpoint = *EndpointId::parse("abc123");
  in.facts.workers_max = 2;
  in.facts.managed = 2;
  in.facts.ready = 2;
  in.waits = WaitCode::workers_busy;
  in.queued = 5;
  in.in_progress = 2;
  in.busy = 2;
  in.oldest_wait = Millis{12'400};
  in.first_end = Millis{34'900};
  return in;
}

Why waiting(WaitCode code, const std::function<void(EndpointSituation&)>& edit) {
  EndpointSituation in;
  in.endpoint = *EndpointId::parse("abc123");
  in.facts.workers_max = 3;
  in.queued = 1;
  in.waits = code;
  edit(in);
  return why(in);
}

TEST(Why, SaysHowManyWorkersOfHowManyAreBusyAndWhatWouldHelp) {
  const Why out = why(two_busy_of_two());
  EXPECT_TRUE(has(out.summary, "all 2 ready workers are at work"));
  EXPECT_TRUE(has(out.facts, "2 of 2 workers busy, 0 idle, 0 starting"));
  EXPECT_TRUE(has(out.facts, "workersMin is 0, workersMax is 2"));
  EXPECT_TRUE(has(out.facts, "5 jobs wait, the oldest since 12 s; 2 jobs are at work"));
  EXPECT_TRUE(has(out.facts,
                  "the job that is nearest to its execution time-out has 34 s left; a worker is free "
                  "by then"));
  EXPECT_TRUE(has(out.helps, "raise workersMax: it is 2, and all of these are there"));
}

TEST(Why, BusyWorkersNameWhatKeepsTheNextOneAway) {
  EndpointSituation in = two_busy_of_two();
  in.facts.workers_max = 5;
  EXPECT_TRUE(has(why(in).helps.front(), "longer than 4 s; lower scalerValue"));
  in.facts.scaler = ScalerType::request_count;
  EXPECT_TRUE(has(why(in).helps.front(), "one worker is started for every 4 requests"));
  in.facts.throttled = 1;
  in.facts.no_place = "all in use: 1 GPU(s) of ADA_24";
  EXPECT_EQ(why(in).helps.front(), "free GPUs of these pools, or allow more pools in gpuIds");
  EXPECT_TRUE(has(why(in).facts, "found no place: all in use: 1 GPU(s) of ADA_24"));
  in.facts.wants_more = true;
  in.facts.held_back_until = kNoon;
  in.facts.crash_cause = "exit code 1";
  EXPECT_TRUE(has(why(in).helps.front(), iso8601(kNoon)));
  in.facts.starting = 1;
  EXPECT_EQ(why(in).helps.front(), "wait: 1 worker more will be ready soon");
}

TEST(Why, EachOtherReasonHasItsHelp) {
  const auto none = [](EndpointSituation&) {};
  EXPECT_TRUE(has(waiting(WaitCode::workers_max_zero, none).helps, "raise workersMax above 0"));
  EXPECT_TRUE(has(waiting(WaitCode::workers_max_zero, none).helps, "penstock worker attach abc123"));
  const Why starting = waiting(WaitCode::workers_starting, [](EndpointSituation& in) {
    in.facts.starting = 2;
    in.facts.crashes = 1;
    in.facts.crash_cause = "exit code 3";
  });
  EXPECT_TRUE(has(starting.facts, "0 of 2 workers busy, 0 idle, 2 starting"));
  EXPECT_TRUE(has(starting.helps, "see why the last one ended: exit code 3"));
  const auto no_place = [](EndpointSituation& in) {
    in.facts.no_place = "all in use: 1 GPU(s) of ADA_24";
    in.facts.throttled = 1;
    in.facts.former_release = 1;
  };
  EXPECT_EQ(waiting(WaitCode::no_capacity, no_place).helps.front(), "stop or lower workersMin of what holds these GPUs")
      << "what is in use is told once, as a fact";
  EXPECT_TRUE(has(waiting(WaitCode::no_capacity, no_place).facts,
                  "1 worker is wanted and found no place: all in use: 1 GPU(s) of ADA_24"));
  EXPECT_TRUE(has(waiting(WaitCode::no_matching_node, no_place).helps.front(), "change gpuIds"));
  EXPECT_TRUE(has(waiting(WaitCode::release_draining, no_place).helps.front(), "former release"));
  EXPECT_TRUE(has(waiting(WaitCode::release_draining, no_place).facts,
                  "1 worker of an earlier release ends when the jobs that it holds are done"));
  const Why crash = waiting(WaitCode::crash_loop, [](EndpointSituation& in) {
    in.facts.crashes = 3;
    in.facts.crash_cause = "exit code 1";
    in.facts.held_back_until = kNoon;
  });
  EXPECT_EQ(crash.helps.front(), "cure the cause: exit code 1");
  EXPECT_TRUE(has(crash.helps.back(), iso8601(kNoon)));
  const Why low = waiting(WaitCode::low_priority_waits, [](EndpointSituation& in) {
    in.low_priority_waits = in.waits;
    in.waits.reset();
    in.queued = 0;
    in.low_priority_queued = 2;
    in.facts.low_priority_due = kNoon;
  });
  EXPECT_TRUE(has(low.helps.front(), "normal priority"));
  EXPECT_TRUE(has(low.facts, "2 jobs wait (2 of low priority)"));
  const Why stopping = waiting(WaitCode::workers_busy, [](EndpointSituation& in) { in.stopping = true; });
  EXPECT_TRUE(has(stopping.helps.front(), "start the server again"));
}

TEST(Why, AnEndpointAtRestSaysWhatItsIdleWorkersDo) {
  EndpointSituation in;
  in.facts.ready = in.idle = 1;
  in.facts.workers_max = 3;
  in.idle_timeout_s = 10;
  in.idle_stops_in = Millis{7'000};
  EXPECT_EQ(why(in).summary, "no job waits and none is at work");
  EXPECT_TRUE(why(in).helps.empty());
  EXPECT_TRUE(has(why(in).facts, "the next idle worker stops in 7 s (idleTimeout is 10 s)"));
  in.idle_stops_in.reset();
  in.workers_min = 1;
  EXPECT_TRUE(has(why(in).facts, "idle workers stay: workersMin is 1"));
}

TEST(Why, TimesAreShort) {
  EXPECT_EQ(in_words(Millis{-5}), "0 ms");
  EXPECT_EQ(in_words(Millis{999}), "999 ms");
  EXPECT_EQ(in_words(Millis{119'999}), "119 s");
  EXPECT_EQ(in_words(Millis{120'000}), "2 min");
  EXPECT_EQ(in_words(Millis{7'200'000}), "2 h");
  EXPECT_EQ(in_words(Millis{200'000'000}), "2 days");
}

// ---------------------------------------------------------------- from an engine

TEST(WhyOfAnEngine, FollowsAJobFromTheQueueToItsEnd) {
  Rig rig;
  const auto at = rig.staffed();
  const JobId first = rig.submit(at.endpoint);
  const JobId second = rig.submit(at.endpoint, [](JobRequest& r) { r.ttl = Millis{100'000}; });
  rig.advance(Millis{3'000});
  const Why waits = *rig.engine->why(rig.now, at.endpoint, second);
  EXPECT_TRUE(has(waits.summary, "job " + to_string(second) + " waits since 3 s: the one ready worker is at work"));
  EXPECT_TRUE(has(waits.facts, "it has 97 s left: then its time to live is over"));
  EXPECT_TRUE(has(waits.facts, "1 of 1 worker busy, 0 idle, 0 starting"));
  EXPECT_TRUE(has(waits.facts, "execution time-out has 9 min left"));
  EXPECT_TRUE(has(waits.helps, "raise workersMax: it is 1"));
  const Why runs = *rig.engine->why(rig.now, at.endpoint, first);
  EXPECT_TRUE(has(runs.summary, "is at work on worker " + at.worker.str() + " since 3 s"));
  EXPECT_TRUE(runs.helps.empty());
  rig.fail_job(at.endpoint, at.worker, first, "out of memory");
  rig.advance(Millis{5'000});
  const Why ended = *rig.engine->why(rig.now, at.endpoint, first);
  EXPECT_TRUE(has(ended.summary, "waits for nothing: it is FAILED, since 5 s ago"));
  EXPECT_TRUE(has(ended.facts, "it ended with the error \"out of memory\""));
  EXPECT_TRUE(has(ended.helps, "/retry/" + to_string(first)));
}

TEST(WhyOfAnEngine, SaysWhenTheScalerWillWantMore) {
  Rig rig;
  const auto at = rig.staffed([](EndpointInput& in) { in.workers_max = 3; });
  rig.submit(at.endpoint);
  rig.submit(at.endpoint);
  rig.advance(Millis{1'000});
  const Why out = *rig.engine->why(rig.now, at.endpoint);
  EXPECT_TRUE(has(out.facts,
                  "the scaler (QUEUE_DELAY, scalerValue 4) wants 1 worker and has 1; if nothing else "
                  "happens it wants more in 3 s"));
}

TEST(WhyOfAnEngine, FindsAJobWithoutItsEndpointAndOnlyForItsOwner) {
  Rig rig;
  const EndpointId at = rig.endpoint();
  const JobId job = rig.submit(at);
  EXPECT_EQ(rig.engine->endpoint_of(rig.owner, job), at);
  EXPECT_FALSE(rig.engine->endpoint_of(*AccountId::parse("user_2"), job));
  EXPECT_FALSE(rig.engine->endpoint_of(rig.owner, *JobId::parse("nobody")));
  EXPECT_EQ(rig.engine->why(rig.now, *EndpointId::parse("nobody")).error().code, Errc::not_found);
  EXPECT_EQ(rig.engine->why(rig.now, at, *JobId::parse("nobody")).error().code, Errc::not_found);
}

}  // namespace
}  // namespace penstock::core
