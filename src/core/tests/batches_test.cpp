#include "core/queue/job_queue.h"
#include "core/tests/rig.h"

// Batches: contract/data-plane 1.11.

namespace penstock::core {
namespace {

using Ids = std::vector<JobId>;

struct Batches : testing::Test {
  explicit Batches(EngineSettings settings = small()) : rig(settings) {}

  static EngineSettings small() {
    EngineSettings settings;
    settings.batches_active_max = 2;
    settings.batch_requests_max = 4;
    settings.batch_bytes_max = 1'000;
    settings.batch_queue_max = 6;
    return settings;
  }

  std::vector<JobRequest> requests(int count, const std::function<void(JobRequest&)>& edit = {}) const {
    std::vector<JobRequest> out;
    for (int i = 0; i < count; ++i) {
      JobRequest request;
      request.input = bytes("{\"i\":" + std::to_string(i) + "}");
      if (edit) edit(request);
      out.push_back(std::move(request));
    }
    return out;
  }
  BatchReply create(const EndpointId& at, int count, const std::function<void(JobRequest&)>& edit = {}) {
    return rig.reply<BatchReply>(rig.send(CreateBatch{0, at, requests(count, edit)}));
  }
  BatchView finalize(const EndpointId& at, const BatchId& batch) {
    return rig.reply<BatchReply>(rig.send(FinalizeBatch{0, at, batch})).view;
  }
  BatchView view(const EndpointId& at, const BatchId& batch) const {
    const auto found = rig.engine->find_batch(at, batch);
    EXPECT_TRUE(found);
    return found.value_or(BatchView{});
  }
  int queued(const EndpointId& at) const { return rig.engine->health(at)->in_queue; }
  EndpointId paused() {
    return rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  }

  Rig rig;
};

TEST_F(Batches, ADraftIsInNoQueueAndStartsNoWorker) {
  const EndpointId at = rig.endpoint();
  const BatchReply made = create(at, 2);
  EXPECT_EQ(made.view.batch.status, BatchStatus::draft);
  EXPECT_EQ(made.view.batch.requests, 2);
  ASSERT_EQ(made.added.size(), 2u);
  EXPECT_EQ(queued(at), 0);
  EXPECT_TRUE(rig.started().empty());
  const JobView job = rig.job(at, made.added[0]);
  EXPECT_EQ(job.status, JobStatus::in_queue);
  EXPECT_EQ(job.wait->code, WaitCode::batch_draft);
  rig.advance(Millis{25h});
  EXPECT_EQ(rig.status(at, made.added[0]), JobStatus::in_queue) << "its time to live has not begun";
}

TEST_F(Batches, FinalizedItRunsInOrderAndIsDoneWhenAllHaveEnded) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 3);
  const BatchId id = made.view.batch.id;
  const BatchView locked = finalize(at.endpoint, id);
  EXPECT_EQ(locked.batch.status, BatchStatus::finalized);
  const HandOut& out = rig.reply<HandOuts>(at.poll).jobs.at(0);
  EXPECT_EQ(out.id, made.added[0]);
  EXPECT_EQ(out.batch, id);
  EXPECT_EQ(view(at.endpoint, id).in_progress, 1);
  rig.finish(at.endpoint, at.worker, made.added[0]);
  EXPECT_EQ(rig.work(at.endpoint, at.worker), Ids{made.added[1]});
  rig.fail_job(at.endpoint, at.worker, made.added[1], "no");
  EXPECT_EQ(rig.work(at.endpoint, at.worker), Ids{made.added[2]});
  EXPECT_FALSE(view(at.endpoint, id).batch.ended);
  rig.finish(at.endpoint, at.worker, made.added[2]);
  const BatchView done = view(at.endpoint, id);
  EXPECT_EQ(done.batch.status, BatchStatus::finalized) << "there is no COMPLETED";
  EXPECT_EQ(done.batch.completed, 2);
  EXPECT_EQ(done.batch.failed, 1);
  EXPECT_TRUE(done.batch.ended);
}

TEST_F(Batches, AnotherFinalizeChangesNothing) {
  const EndpointId at = paused();
  const BatchId id = create(at, 1).view.batch.id;
  const auto first = finalize(at, id);
  rig.advance(Millis{1'000});
  EXPECT_EQ(finalize(at, id).batch, first.batch);
  EXPECT_EQ(queued(at), 1);
}

TEST_F(Batches, OnlyADraftCanBeChanged) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 1);
  const BatchId id = made.view.batch.id;
  const auto more = rig.reply<BatchReply>(rig.send(AddToBatch{0, at, id, requests(2)}));
  EXPECT_EQ(more.view.batch.requests, 3);
  EXPECT_EQ(more.added.size(), 2u);
  finalize(at, id);
  EXPECT_EQ(rig.code(rig.send(AddToBatch{0, at, id, requests(1)})), Errc::conflict);
  EXPECT_EQ(rig.code(rig.send(RemoveFromBatch{0, at, id, made.added[0]})), Errc::conflict);
  EXPECT_EQ(rig.reply<BatchReply>(rig.send(RenameBatch{0, at, id, "nightly"})).view.batch.name, "nightly");
}

TEST_F(Batches, ARemovedRequestWasNeverThere) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 2, [](JobRequest& r) { r.webhook = "https://example.org/"; });
  const BatchId id = made.view.batch.id;
  const auto left = rig.reply<BatchReply>(rig.send(RemoveFromBatch{0, at, id, made.added[0]})).view;
  EXPECT_EQ(left.batch.requests, 1);
  EXPECT_EQ(left.batch.failed, 0);
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, made.added[0]));
  EXPECT_TRUE(rig.all.posts.empty());
  EXPECT_EQ(rig.code(rig.send(RemoveFromBatch{0, at, id, made.added[0]})), Errc::not_found);
  finalize(at, id);
  EXPECT_EQ(queued(at), 1);
}

TEST_F(Batches, EachLimitSaysSo) {
  const EndpointId at = paused();
  const Token many = rig.send(CreateBatch{0, at, requests(5)});
  EXPECT_EQ(rig.code(many), Errc::invalid);
  EXPECT_NE(rig.error(many).find("batches.requests_max"), std::string::npos);
  const Token large =
      rig.send(CreateBatch{0, at, requests(2, [](JobRequest& r) { r.input = bytes(std::string(600, '1')); })});
  EXPECT_EQ(rig.code(large), Errc::invalid);
  EXPECT_NE(rig.error(large).find("batches.input_mb"), std::string::npos);
  const BatchId first = create(at, 4).view.batch.id;
  const BatchId second = create(at, 4).view.batch.id;
  EXPECT_EQ(rig.code(rig.send(AddToBatch{0, at, first, requests(1)})), Errc::invalid);
  const Token third = rig.send(CreateBatch{0, at, {}});
  EXPECT_EQ(rig.code(third), Errc::busy);
  EXPECT_NE(rig.error(third).find("batches.active_max"), std::string::npos);
  finalize(at, first);
  const Token full = rig.send(FinalizeBatch{0, at, second});
  EXPECT_EQ(rig.code(full), Errc::busy);
  EXPECT_NE(rig.error(full).find("batches.queue_max"), std::string::npos);
  rig.send(CancelBatch{0, at, first});
  EXPECT_EQ(finalize(at, second).batch.status, BatchStatus::finalized);
}

TEST_F(Batches, AnEmptyOneCannotBeFinalized) {
  const EndpointId at = paused();
  const BatchId id = create(at, 0).view.batch.id;
  EXPECT_EQ(rig.code(rig.send(FinalizeBatch{0, at, id})), Errc::conflict);
  EXPECT_EQ(rig.code(rig.send(FinalizeBatch{0, at, *BatchId::parse("batch_x")})), Errc::not_found);
}

TEST_F(Batches, CancelEndsWhatWaitsAndLetsTheRestRun) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 3);
  const BatchId id = made.view.batch.id;
  finalize(at.endpoint, id);
  const auto asked = rig.reply<BatchReply>(rig.send(CancelBatch{0, at.endpoint, id})).view;
  EXPECT_EQ(asked.batch.status, BatchStatus::finalized) << "one still runs";
  EXPECT_EQ(asked.in_progress, 1);
  EXPECT_EQ(asked.batch.failed, 2);
  EXPECT_EQ(rig.status(at.endpoint, made.added[1]), JobStatus::cancelled);
  rig.finish(at.endpoint, at.worker, made.added[0]);
  EXPECT_EQ(rig.status(at.endpoint, made.added[0]), JobStatus::completed);
  const BatchView done = view(at.endpoint, id);
  EXPECT_EQ(done.batch.status, BatchStatus::cancelled);
  EXPECT_EQ(done.batch.completed, 1);
  EXPECT_EQ(rig.reply<BatchReply>(rig.send(CancelBatch{0, at.endpoint, id})).view.batch, done.batch);
}

TEST_F(Batches, AJobOfACancelledBatchGetsNoOtherAttempt) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 1);
  finalize(at.endpoint, made.view.batch.id);
  rig.send(CancelBatch{0, at.endpoint, made.view.batch.id});
  rig.apply(WorkerExited{at.worker, 1, "exit code 1"});
  EXPECT_EQ(rig.status(at.endpoint, made.added[0]), JobStatus::cancelled);
  EXPECT_EQ(view(at.endpoint, made.view.batch.id).batch.status, BatchStatus::cancelled);
}

TEST_F(Batches, ACancelledDraftTellsNoWebhook) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 2, [](JobRequest& r) { r.webhook = "https://example.org/"; });
  const auto cancelled = rig.reply<BatchReply>(rig.send(CancelBatch{0, at, made.view.batch.id})).view;
  EXPECT_EQ(cancelled.batch.status, BatchStatus::cancelled);
  EXPECT_TRUE(rig.all.posts.empty());
  EXPECT_EQ(rig.status(at, made.added[0]), JobStatus::cancelled);
}

TEST_F(Batches, ADraftThatNobodyTouchesIsCancelledAndThenForgotten) {
  const EndpointId at = paused();
  const BatchId id = create(at, 1).view.batch.id;
  rig.advance(rig.settings.batch_draft_life - Millis{1'000});
  rig.send(AddToBatch{0, at, id, requests(1)});
  rig.advance(rig.settings.batch_draft_life - Millis{1'000});
  EXPECT_EQ(view(at, id).batch.status, BatchStatus::draft);
  rig.advance(Millis{1'000});
  EXPECT_EQ(view(at, id).batch.status, BatchStatus::cancelled);
  rig.advance(rig.settings.retention_async);
  EXPECT_FALSE(rig.engine->find_batch(at, id));
}

TEST_F(Batches, InteractiveJobsGoFirstAndHaveTheirOwnRoom) {
  rig.settings.queue_jobs_min = 0;
  rig.settings.queue_jobs_per_worker = 1;
  rig.restart();
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 1; });
  const BatchReply made = create(at, 4);
  finalize(at, made.view.batch.id);
  rig.advance(Millis{60'000});
  const JobId interactive = rig.submit(at);
  const WorkerId mine = rig.attach(at);
  EXPECT_EQ(rig.work(at, mine), Ids{interactive});
  EXPECT_EQ(rig.work(at, mine), Ids{made.added[0]});
}

TEST_F(Batches, ABatchIsNotOvertakenForEver) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 1);
  finalize(at, made.view.batch.id);
  rig.advance(kBatchYields + Millis{1});
  rig.submit(at);
  EXPECT_EQ(rig.work(at, rig.attach(at)), Ids{made.added[0]});
}

TEST_F(Batches, ItsResultsAreKeptTogether) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 2);
  finalize(at.endpoint, made.view.batch.id);
  rig.finish(at.endpoint, at.worker, made.added[0]);
  rig.advance(rig.settings.ttl);
  EXPECT_EQ(rig.status(at.endpoint, made.added[1]), JobStatus::timed_out);
  const BatchView done = view(at.endpoint, made.view.batch.id);
  EXPECT_TRUE(done.batch.ended);
  rig.advance(rig.settings.retention_async - Millis{1'000});
  EXPECT_EQ(rig.status(at.endpoint, made.added[0]), JobStatus::completed) << "the first result is there with the last";
  rig.advance(Millis{1'000});
  EXPECT_FALSE(rig.engine->find_job(rig.now, at.endpoint, made.added[0]));
  EXPECT_FALSE(rig.engine->find_batch(at.endpoint, made.view.batch.id));
  EXPECT_EQ(rig.records<BatchRemoved>().size(), 1u);
}

TEST_F(Batches, ARetryOpensItAgain) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 1);
  const BatchId id = made.view.batch.id;
  finalize(at.endpoint, id);
  rig.fail_job(at.endpoint, at.worker, made.added[0], "no");
  EXPECT_TRUE(view(at.endpoint, id).batch.ended);
  rig.send(RetryJob{0, at.endpoint, made.added[0]});
  EXPECT_FALSE(view(at.endpoint, id).batch.ended);
  EXPECT_EQ(view(at.endpoint, id).batch.failed, 0);
  EXPECT_EQ(rig.work(at.endpoint, at.worker), Ids{made.added[0]});
  rig.finish(at.endpoint, at.worker, made.added[0]);
  EXPECT_EQ(view(at.endpoint, id).batch.completed, 1);
  EXPECT_TRUE(view(at.endpoint, id).batch.ended);
}

TEST_F(Batches, ARestartChangesNothing) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const WorkerId mine = rig.attach(at);
  const BatchReply draft = create(at, 2);
  const BatchReply running = create(at, 3);
  finalize(at, running.view.batch.id);
  EXPECT_EQ(rig.work(at, mine), Ids{running.added[0]});
  rig.restart();
  EXPECT_EQ(view(at, draft.view.batch.id).batch, draft.view.batch);
  EXPECT_EQ(queued(at), 2) << "the draft's are in no queue";
  EXPECT_EQ(view(at, running.view.batch.id).in_progress, 1);
  EXPECT_EQ(rig.job(at, draft.added[0]).wait->code, WaitCode::batch_draft);
  rig.finish(at, mine, running.added[0]);
  rig.restart();
  EXPECT_EQ(view(at, running.view.batch.id).batch.completed, 1);
  EXPECT_EQ(rig.work(at, mine), Ids{running.added[1]}) << "in the order in which they were added";
  finalize(at, draft.view.batch.id);
  EXPECT_EQ(queued(at), 3);
}

TEST_F(Batches, ACancelledOneStaysSoOverARestart) {
  const auto at = rig.staffed();
  const BatchReply made = create(at.endpoint, 2);
  finalize(at.endpoint, made.view.batch.id);
  rig.send(CancelBatch{0, at.endpoint, made.view.batch.id});
  rig.books.apply(WorkerRemoved{at.worker, at.endpoint});  // its worker did not survive
  rig.restart();
  EXPECT_EQ(view(at.endpoint, made.view.batch.id).batch.status, BatchStatus::cancelled);
  EXPECT_EQ(view(at.endpoint, made.view.batch.id).batch.failed, 2);
}

TEST_F(Batches, ItsEndpointTakesItAlong) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 1);
  rig.send(DeleteEndpoint{0, rig.owner, at.str()});
  EXPECT_FALSE(rig.engine->find_batch(at, made.view.batch.id));
  rig.restart();
  EXPECT_TRUE(rig.engine->batches_of(at).empty());
}

TEST_F(Batches, TheNewestIsListedFirst) {
  const EndpointId at = paused();
  const BatchId first = create(at, 1).view.batch.id;
  rig.advance(Millis{5});
  const BatchId second = create(at, 1).view.batch.id;
  const auto all = rig.engine->batches_of(at);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].batch.id, second);
  EXPECT_EQ(all[1].batch.id, first);
}

TEST_F(Batches, ThePurgeOfAQueueLeavesDraftsAlone) {
  const EndpointId at = paused();
  const BatchReply draft = create(at, 2);
  const BatchReply made = create(at, 2);
  finalize(at, made.view.batch.id);
  EXPECT_EQ(rig.reply<Purged>(rig.send(PurgeQueue{0, at})).removed, 2);
  EXPECT_TRUE(view(at, made.view.batch.id).batch.ended);
  EXPECT_EQ(rig.status(at, draft.added[0]), JobStatus::in_queue);
}

TEST_F(Batches, ACancelledRequestOfADraftIsNotRun) {
  const EndpointId at = paused();
  const BatchReply made = create(at, 2);
  rig.send(CancelJob{0, at, made.added[0]});
  EXPECT_EQ(view(at, made.view.batch.id).batch.failed, 1);
  EXPECT_EQ(rig.code(rig.send(LowerTtl{0, at, made.added[1], Millis{10}})), Errc::conflict);
  finalize(at, made.view.batch.id);
  EXPECT_EQ(rig.work(at, rig.attach(at), 5), Ids{made.added[1]});
}

}  // namespace
}  // namespace penstock::core
