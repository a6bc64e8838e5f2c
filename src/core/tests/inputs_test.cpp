#include "core/tests/rig.h"

// Queued inputs beyond the budget are in the store only, and come back in time and in order.

namespace penstock::core {
namespace {

using Ids = std::vector<JobId>;

EngineSettings small(std::size_t budget, int ahead = 4) {
  EngineSettings settings;
  settings.queued_bytes_max = budget;
  settings.read_ahead_jobs = ahead;
  return settings;
}

struct Inputs : testing::Test {
  /// An endpoint without workers of its own.
  static EndpointId endpoint(Rig& rig) {
    return rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  }

  static Ids submit(Rig& rig, const EndpointId& at, int count) {
    Ids jobs;
    for (int i = 0; i < count; ++i) jobs.push_back(rig.submit(at));
    return jobs;
  }

  /// What the store says to all that was asked of it. False: nothing was.
  bool read(Rig& rig) {
    const std::size_t before = served;
    while (served < rig.all.reads.size()) {
      const ReadInputs wanted = rig.all.reads[served++];
      InputsRead answer{wanted.endpoint, {}, std::nullopt, true};
      for (const JobId& job : wanted.jobs) {
        const StoredJob* stored = rig.books.find(job);
        answer.inputs.push_back({job, stored ? stored->request.input : nullptr, nullptr});
      }
      rig.apply(std::move(answer));
    }
    return served > before;
  }

  /// One poll, with whatever must be read for it. The hand-outs carry the inputs that were submitted.
  Ids take(Rig& rig, const EndpointId& at, const WorkerId& worker, int max_jobs = 1) {
    const Token poll = rig.take(at, worker, max_jobs);
    while (!rig.answered(poll) && read(rig)) {
    }
    Ids ids;
    for (const HandOut& out : rig.reply<HandOuts>(poll).jobs) {
      EXPECT_TRUE(out.input) << out.id.str();
      EXPECT_EQ(text_of(out.input), text_of(rig.books.find(out.id)->request.input));
      ids.push_back(out.id);
    }
    return ids;
  }

  std::size_t served = 0;
};

TEST_F(Inputs, AllAreHandedOutInOrderWhateverFitsInMemory) {
  for (const std::size_t budget : {0U, 20U, 100U, 100'000U}) {
    for (const int ahead : {1, 2, 7, 100}) {
      Rig rig(small(budget, ahead));
      served = 0;
      const EndpointId at = endpoint(rig);
      const Ids jobs = submit(rig, at, 30);
      const WorkerId mine = rig.attach(at);
      Ids got;
      while (got.size() < jobs.size()) {
        const Ids more = take(rig, at, mine);
        ASSERT_EQ(more.size(), 1U) << budget << " bytes, " << ahead << " ahead, after " << got.size();
        rig.finish(at, mine, more[0]);
        got.push_back(more[0]);
      }
      EXPECT_EQ(got, jobs);
    }
  }
}

TEST_F(Inputs, OneThatIsHandedOutAtOnceNeedsNoStore) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const WorkerId mine = rig.attach(at);
  const Token poll = rig.take(at, mine);
  const JobId job = rig.submit(at);
  ASSERT_TRUE(rig.answered(poll));
  EXPECT_EQ(rig.reply<HandOuts>(poll).jobs[0].id, job);
  EXPECT_TRUE(rig.last.reads.empty());
}

TEST_F(Inputs, NothingIsReadWhileNobodyIsThereToTakeIt) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  submit(rig, at, 10);
  rig.advance(Millis{60'000});
  EXPECT_TRUE(rig.all.reads.empty());
}

TEST_F(Inputs, TheNextOnesAreReadWhileSomeAreLeft) {
  Rig rig(small(0, 4));
  const EndpointId at = endpoint(rig);
  submit(rig, at, 10);
  const WorkerId mine = rig.attach(at);
  ASSERT_EQ(rig.all.reads.size(), 1U) << "before the first poll";
  EXPECT_EQ(rig.all.reads[0].jobs.size(), 4U);
  read(rig);
  for (int i = 0; i < 10; ++i) {
    const Token poll = rig.take(at, mine);
    ASSERT_TRUE(rig.answered(poll)) << i << ": no wait for the store";
    rig.finish(at, mine, rig.reply<HandOuts>(poll).jobs[0].id);
    read(rig);
  }
  EXPECT_LE(rig.all.reads.size(), 6U) << "several at a time";
}

TEST_F(Inputs, AnUrgentJobWhoseInputIsAwayGoesFirstAllTheSame) {
  Rig rig(small(0, 2));
  const EndpointId at = endpoint(rig);
  submit(rig, at, 5);
  const WorkerId mine = rig.attach(at);
  read(rig);
  const JobId urgent = rig.submit(at, [](JobRequest& r) { r.priority = Priority::high; });
  EXPECT_EQ(take(rig, at, mine), Ids{urgent});
}

TEST_F(Inputs, WhoAsksMeanwhileIsToldWhy) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId job = rig.submit(at);
  const WorkerId mine = rig.attach(at);
  const Token poll = rig.take(at, mine);
  EXPECT_FALSE(rig.answered(poll));
  EXPECT_EQ(rig.job(at, job).wait->code, WaitCode::input_loading);
}

TEST_F(Inputs, AStoreThatCannotReadIsAskedAgain) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId job = rig.submit(at);
  const WorkerId mine = rig.attach(at);
  rig.take(at, mine);
  rig.apply(InputsRead{at, {}, "the disk failed", true});
  EXPECT_TRUE(rig.last.reads.empty()) << "not at once";
  EXPECT_EQ(rig.last.warnings.size(), 1U);
  rig.advance(Millis{1'500});
  ASSERT_EQ(rig.all.reads.size(), 2U);
  served = 1;
  read(rig);
  EXPECT_EQ(rig.status(at, job), JobStatus::in_progress);
}

TEST_F(Inputs, AJobThatTheStoreDoesNotHaveFailsAndHoldsNobodyUp) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId lost = rig.submit(at);
  const JobId next = rig.submit(at);
  const WorkerId mine = rig.attach(at);
  const Token poll = rig.take(at, mine);
  rig.apply(InputsRead{at, {{lost, nullptr, nullptr}, {next, bytes("1"), nullptr}}, std::nullopt, true});
  EXPECT_EQ(rig.status(at, lost), JobStatus::failed);
  EXPECT_EQ(rig.reply<HandOuts>(poll).jobs[0].id, next);
}

TEST_F(Inputs, OneThatIsCancelledWhileItsInputIsOnItsWayIsNotMissed) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId job = rig.submit(at);
  rig.take(at, rig.attach(at));
  rig.send(CancelJob{0, at, job});
  rig.apply(InputsRead{at, {{job, nullptr, nullptr}}, std::nullopt, true});
  EXPECT_EQ(rig.last.warnings, std::vector<std::string>{});
  EXPECT_EQ(rig.status(at, job), JobStatus::cancelled);
}

TEST_F(Inputs, WhatAWebhookTellsStays) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId job = rig.submit(at, [](JobRequest& r) { r.webhook = "http://127.0.0.1/told"; });
  const std::string input = text_of(rig.books.find(job)->request.input);
  rig.send(CancelJob{0, at, job});
  ASSERT_EQ(rig.records<WebhookAdded>().size(), 1U);
  EXPECT_EQ(text_of(rig.records<WebhookAdded>()[0].delivery.content.input), input);
}

TEST_F(Inputs, ASecondSubmissionWithTheKeyIsHeldAgainstTheStoresInput) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const auto keyed = [](const char* input) {
    return [input](JobRequest& r) {
      r.idempotency_key = "key";
      r.input = bytes(input);
    };
  };
  rig.submit(at);
  const JobId first = rig.submit(at, keyed("{\"a\":1}"));
  ASSERT_TRUE(rig.engine->lacks_input(at, "key"));
  rig.apply(InputsRead{at, {{first, rig.books.find(first)->request.input, nullptr}}, std::nullopt, false});
  EXPECT_FALSE(rig.engine->lacks_input(at, "key"));
  EXPECT_EQ(rig.submit(at, keyed("{\"a\":1}")), first);
}

TEST_F(Inputs, OneThatEndedInTheQueueCanBeRetried) {
  Rig rig(small(0));
  const EndpointId at = endpoint(rig);
  const JobId job = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{10'000}; });
  rig.advance(Millis{11'000});
  ASSERT_EQ(rig.status(at, job), JobStatus::timed_out);
  rig.send(RetryJob{0, at, job});
  EXPECT_EQ(take(rig, at, rig.attach(at)), Ids{job});
}

TEST_F(Inputs, ARestartKeepsTheBudget) {
  Rig rig(small(40));
  const EndpointId at = endpoint(rig);
  const Ids jobs = submit(rig, at, 12);
  rig.restart();
  const WorkerId mine = rig.attach(at);
  Ids got;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Ids more = take(rig, at, mine);
    ASSERT_EQ(more.size(), 1U);
    rig.finish(at, mine, more[0]);
    got.push_back(more[0]);
  }
  EXPECT_EQ(got, jobs);
}

}  // namespace
}  // namespace penstock::core
