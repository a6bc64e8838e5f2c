#include "core/tests/rig.h"

// A turn of several commands.

namespace penstock::core {
namespace {

TEST(JobsTurn, JobsAreHandedOutAfterEachCommandAndTheRestIsSettledOnce) {
  EngineSettings settings;
  settings.queue_jobs_min = 2;
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  for (int i = 0; i < 4; ++i) rig.take(at, rig.attach(at));
  Submit submit;
  submit.request.endpoint = at;
  submit.request.input = bytes("1");
  const std::vector<Token> callers = rig.send_together(std::vector<Submit>(8, submit));
  for (int i = 0; i < 7; ++i) {
    const auto& accepted = rig.reply<JobAccepted>(callers[static_cast<std::size_t>(i)]);
    const WaitCode wanted = i < 4 ? WaitCode::running : WaitCode::workers_busy;
    ASSERT_TRUE(accepted.wait) << i;
    EXPECT_EQ(accepted.wait->code, wanted) << i;
  }
  EXPECT_EQ(rig.code(callers[7]), Errc::busy) << "the queue is full only of those that no worker took";
}

TEST(JobsTurn, OnlyJobsOfTheTurnItselfAreNewToTheirWorker) {
  Rig rig;
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId worker = rig.attach(at);
  const auto handed_to = [&](Token poll) { return rig.reply<HandOuts>(poll); };
  const Token waiting = rig.take(at, worker);
  const JobId first = rig.submit(at);
  EXPECT_TRUE(handed_to(waiting).new_jobs) << "nobody was told of it";
  rig.finish(at, worker, first);
  rig.submit(at);
  const Token later = rig.take(at, worker);
  ASSERT_EQ(handed_to(later).jobs.size(), 1U);
  EXPECT_FALSE(handed_to(later).new_jobs) << "its client was told in the turn before";
}

TEST(JobsTurn, ABurstStartsWhatItNeedsWithOneDecision) {
  Rig rig;
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 2;
    in.workers_max = 3;
  });
  Submit submit;
  submit.request.endpoint = at;
  submit.request.input = bytes("1");
  const std::size_t before = rig.all.decisions.size();
  rig.send_together(std::vector<Submit>(6, submit));
  EXPECT_EQ(rig.started().size(), 3U);
  ASSERT_EQ(rig.all.decisions.size(), before + 1);
  EXPECT_EQ(rig.all.decisions.back().inputs.queued, 6);
}

}  // namespace
}  // namespace penstock::core
