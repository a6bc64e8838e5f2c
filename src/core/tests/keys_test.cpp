#include "core/tests/rig.h"

// Idempotency keys: the same key in the same endpoint stands for the first job as long as that is there.

namespace penstock::core {
namespace {

struct Keys : testing::Test {
  Rig rig;
  EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  Submit keyed(const char* key, const char* input = "1") {
    Submit command;
    command.request.endpoint = at;
    command.request.idempotency_key = key;
    command.request.input = bytes(input);
    return command;
  }
  JobId submit(const char* key) { return rig.reply<JobAccepted>(rig.send(keyed(key))).id; }
};

TEST_F(Keys, TheSameKeyIsTheSameJob) {
  const JobId first = submit("k");
  EXPECT_EQ(submit("k"), first);
  EXPECT_NE(submit("other"), first);
  EXPECT_EQ(rig.engine->health(at)->in_queue, 2);
  EXPECT_EQ(rig.records<JobAdded>().size(), 2u);
  EXPECT_TRUE(rig.engine->has_key(at, "k"));
  EXPECT_FALSE(rig.engine->has_key(rig.endpoint(), "k")) << "a key belongs to its endpoint";
}

TEST_F(Keys, AnotherInputIsRefused) {
  const JobId first = submit("k");
  const Token refused = rig.send(keyed("k", "2"));
  EXPECT_EQ(rig.code(refused), Errc::key_reused);
  EXPECT_NE(rig.error(refused).find(first.str()), std::string::npos) << rig.error(refused);
  EXPECT_EQ(rig.engine->health(at)->in_queue, 1);
}

TEST_F(Keys, ASecondRunsyncWaitsForTheFirstJob) {
  const JobId first = submit("k");
  Submit again = keyed("k");
  again.wait = Millis{60'000};
  const Token waiting = rig.send(again);
  EXPECT_FALSE(rig.answered(waiting));
  const WorkerId worker = rig.attach(at);
  rig.work(at, worker);
  rig.finish(at, worker, first, "7");
  EXPECT_EQ(text_of(rig.reply<JobReply>(waiting).job.output), "7");
  rig.recall(first);
  EXPECT_EQ(text_of(rig.reply<JobReply>(rig.send(again)).job.output), "7") << "it has ended, and is told at once";
  const auto& accepted = rig.reply<JobAccepted>(rig.send(keyed("k")));
  EXPECT_EQ(accepted.id, first);
  EXPECT_EQ(accepted.status, JobStatus::completed);
}

TEST_F(Keys, OutliveARestartAndTheFullQueue) {
  const JobId first = submit("k");
  rig.restart();
  EXPECT_EQ(submit("k"), first);
  rig.settings.queue_jobs_min = 0;
  rig.restart();
  EXPECT_EQ(rig.code(rig.send(keyed("l"))), Errc::busy);
  EXPECT_EQ(submit("k"), first) << "nothing new is put into the queue";
}

TEST_F(Keys, AreFreeAgainWhenTheJobIsForgotten) {
  const JobId first = submit("k");
  rig.send(CancelJob{0, at, first});
  rig.advance(rig.settings.retention_async - Millis{1});
  EXPECT_EQ(submit("k"), first);
  rig.advance(Millis{1});
  const JobId second = submit("k");
  EXPECT_NE(second, first);
  EXPECT_EQ(submit("k"), second);
}

TEST(KeysMemory, AJobThatWasLetGoOfHasToBeRecalled) {
  EngineSettings settings;
  settings.resident_jobs_max = 1;
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const auto submit = [&] {
    Submit command;
    command.request.endpoint = at;
    command.request.idempotency_key = "k";
    command.request.input = bytes("1");
    return rig.reply<JobAccepted>(rig.send(std::move(command))).id;
  };
  const JobId first = submit();
  rig.send(CancelJob{0, at, first});
  EXPECT_TRUE(rig.engine->has_key(at, "k"));
  rig.send(CancelJob{0, at, rig.submit(at)});
  EXPECT_FALSE(rig.engine->has_key(at, "k"));
  rig.recall(first);
  EXPECT_EQ(submit(), first);
}

}  // namespace
}  // namespace penstock::core
