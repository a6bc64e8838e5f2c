#include "core/tests/rig.h"

// Jobs as their clients see them (contract/data-plane 1.3 to 1.7).

namespace penstock::core {
namespace {

using Texts = std::vector<std::string>;

struct Jobs : testing::Test {
  Rig rig;
};

// ---------------------------------------------------------------- submission

TEST_F(Jobs, ASubmissionIsQueuedAndAnswered) {
  const EndpointId at = rig.endpoint();
  const JobId job = rig.submit(at);
  EXPECT_TRUE(job.str().ends_with("-u1")) << job.str();
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  EXPECT_FALSE(rig.job(at, job).delay_ms);
  ASSERT_NE(rig.books.find(job), nullptr);
  EXPECT_EQ(rig.engine->health(at)->in_queue, 1);
  const JobId low = rig.submit(at, [](JobRequest& r) { r.priority = Priority::low; });
  EXPECT_EQ(rig.engine->health(at)->in_queue, 2);
  EXPECT_NE(job, low);
}

TEST_F(Jobs, SyncJobsAreNamedSo) {
  const EndpointId at = rig.endpoint();
  const Token waiting = rig.run_sync(at, Millis{1'000});
  EXPECT_FALSE(rig.answered(waiting));
  rig.advance(Millis{999});
  EXPECT_FALSE(rig.answered(waiting));
  rig.advance(Millis{1});
  const JobView& job = rig.reply<JobReply>(waiting).job;
  EXPECT_TRUE(job.id.str().starts_with("sync-")) << job.id.str();
  EXPECT_EQ(job.status, JobStatus::in_queue);
}

TEST_F(Jobs, UnknownEndpointsAndJobs) {
  const EndpointId at = rig.endpoint();
  const EndpointId other = rig.endpoint();
  const JobId job = rig.submit(at);
  const EndpointId nowhere = *EndpointId::parse("nowhere");
  const JobId never = *JobId::parse("never");
  Submit submit;
  submit.request.endpoint = nowhere;
  submit.request.input = bytes("{}");
  EXPECT_EQ(rig.error(rig.send(submit)), "endpoint \"nowhere\" not found");
  EXPECT_EQ(rig.code(rig.send(AwaitJob{0, at, never, Millis{1}})), Errc::not_found);
  EXPECT_EQ(rig.code(rig.read(at, never)), Errc::not_found);
  EXPECT_EQ(rig.code(rig.send(CancelJob{0, other, job})), Errc::not_found) << "a job belongs to its endpoint";
  EXPECT_EQ(rig.code(rig.send(RetryJob{0, nowhere, job})), Errc::not_found);
  EXPECT_EQ(rig.code(rig.send(LowerTtl{0, at, never, Millis{1}})), Errc::not_found);
  EXPECT_EQ(rig.code(rig.send(PurgeQueue{0, nowhere})), Errc::not_found);
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, never));
  EXPECT_FALSE(rig.engine->health(nowhere));
}

TEST(JobsQueue, IsCappedByWorkersMax) {
  EngineSettings settings;
  settings.queue_jobs_min = 3;
  settings.queue_jobs_per_worker = 2;
  Rig rig(settings);
  const auto fill = [&](const EndpointId& at) {
    int accepted = 0;
    for (int i = 0; i < 20; ++i) {
      Submit command;
      command.request.endpoint = at;
      command.request.input = bytes("{}");
      const Token token = rig.send(std::move(command));
      if (std::holds_alternative<JobAccepted>(rig.last.replies.front().what)) {
        ++accepted;
        continue;
      }
      EXPECT_EQ(rig.code(token), Errc::busy);
      EXPECT_NE(rig.error(token).find("the queue is full"), std::string::npos);
    }
    return accepted;
  };
  EXPECT_EQ(fill(rig.endpoint([](EndpointInput& in) { in.workers_max = 0; })), 4) << "refused only above the cap";
  EXPECT_EQ(fill(rig.endpoint([](EndpointInput& in) { in.workers_max = 5; })), 11);
}

// ---------------------------------------------------------------- waiting

TEST_F(Jobs, WaitingCallersAreAnsweredByTheResult) {
  const auto at = rig.staffed();
  const Token sync = rig.run_sync(at.endpoint, Millis{90'000});
  const JobId job = rig.reply<HandOuts>(at.poll).jobs.at(0).id;
  const Token status = rig.send(AwaitJob{0, at.endpoint, job, Millis{90'000}});
  rig.advance(Millis{1'500});
  rig.finish(at.endpoint, at.worker, job, "{\"ok\":true}");
  for (const Token caller : {sync, status}) {
    const JobView& view = rig.reply<JobReply>(caller).job;
    EXPECT_EQ(view.status, JobStatus::completed);
    EXPECT_EQ(text_of(view.output), "{\"ok\":true}");
    EXPECT_EQ(view.execution_ms, 1'500);
    EXPECT_EQ(view.delay_ms, 0);
    EXPECT_EQ(view.worker, at.worker);
    EXPECT_FALSE(view.error);
  }
  EXPECT_FALSE(rig.engine->has_job(at.endpoint, job)) << "who waited has been told: memory has better use";
  rig.recall(job);
  const Token late = rig.send(AwaitJob{0, at.endpoint, job, Millis{90'000}});
  EXPECT_EQ(rig.reply<JobReply>(late).job.status, JobStatus::completed) << "a finished job is answered at once";
}

TEST_F(Jobs, ACallerThatLeftIsForgotten) {
  const EndpointId at = rig.endpoint();
  const Token gone = rig.run_sync(at, Millis{5'000});
  rig.apply(Forget{gone});
  rig.apply(Forget{gone});
  rig.advance(Millis{10'000});
  EXPECT_FALSE(rig.answered(gone));
  EXPECT_EQ(rig.engine->health(at)->in_queue, 1) << "its job goes on";
}

// ---------------------------------------------------------------- stream

struct Stream : Jobs {
  void SetUp() override {
    at = rig.staffed();
    job = rig.submit(at.endpoint);
  }
  Token read(Millis wait = Millis{5'000}) { return rig.read(at.endpoint, job, wait); }
  Texts texts(Token token) { return rig.chunk_texts(rig.reply<StreamPage>(token)); }
  void done(Token token, bool written) { rig.page_done(at.endpoint, job, rig.reply<StreamPage>(token), written); }
  void chunk(const char* text) { rig.chunk(at.endpoint, at.worker, job, text); }
  void end() { rig.finish(at.endpoint, at.worker, job); }

  Rig::Staffed at;
  JobId job;
};

TEST_F(Stream, ReadersGetEachChunkOnce) {
  const Token first = read();
  EXPECT_FALSE(rig.answered(first));
  chunk("a");
  EXPECT_EQ(texts(first), Texts{"a"});
  EXPECT_EQ(rig.reply<StreamPage>(first).status, JobStatus::in_progress);
  done(first, true);
  chunk("b");
  chunk("c");
  const Token second = read();
  EXPECT_EQ(texts(second), (Texts{"b", "c"}));
  done(second, true);
  end();
  const Token last = read();
  EXPECT_EQ(texts(last), Texts{});
  EXPECT_EQ(rig.reply<StreamPage>(last).status, JobStatus::completed);
}

TEST_F(Stream, TheLastAnswerCarriesAllThatIsLeft) {
  chunk("a");
  chunk("b");
  end();
  const Token first = read();
  EXPECT_EQ(rig.reply<StreamPage>(first).status, JobStatus::completed);
  EXPECT_EQ(texts(first), (Texts{"a", "b"}));
  done(first, true);
  EXPECT_EQ(texts(read()), Texts{});
}

TEST_F(Stream, AReaderWithoutChunksIsHeldForItsWait) {
  const Token waiting = read(Millis{5'000});
  rig.advance(Millis{4'999});
  EXPECT_FALSE(rig.answered(waiting));
  rig.advance(Millis{1});
  EXPECT_EQ(texts(waiting), Texts{});
  EXPECT_EQ(rig.reply<StreamPage>(waiting).status, JobStatus::in_progress);
}

TEST_F(Stream, WhatWasNotWrittenIsShownAgain) {
  chunk("a");
  const Token lost = read();
  EXPECT_EQ(texts(lost), Texts{"a"});
  const Token next = read();
  EXPECT_FALSE(rig.answered(next)) << "the chunk is on its way to another reader";
  done(lost, false);
  EXPECT_EQ(texts(next), Texts{"a"});
  EXPECT_EQ(rig.books.find(job)->state.chunks_delivered, 0);
  done(next, true);
  EXPECT_EQ(rig.books.find(job)->state.chunks_delivered, 1);
}

TEST_F(Stream, TwoReadersShareOneCursor) {
  chunk("a");
  const Token slow = read();
  chunk("b");
  const Token fast = read();
  EXPECT_EQ(texts(slow), Texts{"a"});
  EXPECT_EQ(texts(fast), Texts{"b"});
  done(fast, true);
  EXPECT_EQ(rig.books.find(job)->state.chunks_delivered, 0) << "a was not read yet";
  done(slow, true);
  EXPECT_EQ(rig.books.find(job)->state.chunks_delivered, 2);
}

TEST_F(Stream, ALaterPageDoesNotHideALostOne) {
  chunk("a");
  const Token slow = read();
  chunk("b");
  const Token fast = read();
  done(fast, true);
  done(slow, false);
  const Token again = read();
  EXPECT_EQ(texts(again), (Texts{"a", "b"})) << "nothing is lost; what came after is shown again";
}

TEST_F(Stream, AReaderWithItsOwnPlaceTakesNothingFromTheOthers) {
  const auto read = [&](int from, std::size_t bytes_max = 1'000) {
    return rig.send(ReadChunks{0, at.endpoint, job, from, bytes_max, 1s});
  };
  const auto page = [&](Token token) { return rig.reply<ChunkPage>(token); };
  const auto count = [&](Token token) { return page(token).chunks.size(); };
  const Token waiting = read(0);
  EXPECT_FALSE(rig.answered(waiting));
  chunk("a");
  chunk("b");
  EXPECT_EQ(count(waiting), 1u) << "told at the first";
  EXPECT_EQ(count(read(0)), 2u);
  EXPECT_EQ(count(read(0, 1)), 1u);
  EXPECT_EQ(count(read(0, 0)), 1u) << "one is given however large";
  EXPECT_EQ(page(read(1)).first, 1);
  EXPECT_EQ(texts(rig.read(at.endpoint, job)), (Texts{"a", "b"})) << "the shared cursor has not moved";

  const Token late = read(2);
  rig.advance(1s);
  EXPECT_EQ(count(late), 0u) << "the wait is over";
  EXPECT_FALSE(page(late).complete);
  const Token last = read(2);
  const Token beyond = read(7);
  rig.finish(at.endpoint, at.worker, job);
  EXPECT_TRUE(page(last).complete);
  EXPECT_EQ(page(last).job.status, JobStatus::completed);
  EXPECT_TRUE(page(beyond).complete);
  EXPECT_FALSE(page(read(0, 1)).complete) << "b is left";
  EXPECT_TRUE(page(read(1, 1)).complete);
}

TEST_F(Stream, AReaderWithItsOwnPlaceThatLeavesIsForgotten) {
  const Token gone = rig.send(ReadChunks{0, at.endpoint, job, 0, 100, 10s});
  rig.apply(Forget{gone});
  chunk("a");
  EXPECT_FALSE(rig.answered(gone));
  EXPECT_EQ(rig.code(rig.send(ReadChunks{0, at.endpoint, *JobId::parse("none"), 0, 100, 1s})), Errc::not_found);
}

TEST_F(Stream, FailedJobsShowTheirChunksThenTheError) {
  chunk("a");
  rig.fail_job(at.endpoint, at.worker, job, "handler: no");
  const Token first = read();
  EXPECT_EQ(texts(first), Texts{"a"});
  EXPECT_EQ(rig.reply<StreamPage>(first).status, JobStatus::failed);
  EXPECT_EQ(rig.reply<StreamPage>(first).error, "handler: no");
}

TEST_F(Stream, ANewAttemptGoesOnAfterTheCursor) {
  chunk("a");
  done(read(), true);
  chunk("b");
  rig.apply(WorkerExited{at.worker, 1, "exit code 1"});
  rig.advance(Millis{2'000});
  const WorkerId next = rig.started().back();
  ASSERT_EQ(rig.work(at.endpoint, next), std::vector<JobId>{job});
  const Token waiting = read();
  rig.chunk(at.endpoint, next, job, "a2");
  EXPECT_FALSE(rig.answered(waiting)) << "chunk 0 was read from the first attempt";
  rig.chunk(at.endpoint, next, job, "b2");
  EXPECT_EQ(texts(waiting), Texts{"b2"});
}

TEST_F(Stream, AnAnswerOfAnEarlierLifeMovesNoCursor) {
  chunk("a");
  const Token old = read();
  rig.fail_job(at.endpoint, at.worker, job, "no");
  rig.send(RetryJob{0, at.endpoint, job});
  ASSERT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{job});
  chunk("a2");
  done(old, true);
  EXPECT_EQ(texts(read()), Texts{"a2"});
}

TEST_F(Stream, NorWhileTheNewLifeWaitsForItsFirstWorker) {
  chunk("a");
  const Token old = read();
  rig.fail_job(at.endpoint, at.worker, job, "no");
  rig.send(RetryJob{0, at.endpoint, job});
  done(old, true);
  ASSERT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{job});
  chunk("a2");
  EXPECT_EQ(texts(read()), Texts{"a2"});
}

TEST(StreamLimits, ATooLongStreamFailsTheJob) {
  EngineSettings settings;
  settings.stream_chunks_max = 2;
  Rig rig(settings);
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.chunk(at.endpoint, at.worker, job, "a");
  rig.chunk(at.endpoint, at.worker, job, "b");
  rig.reply<Done>(rig.chunk(at.endpoint, at.worker, job, "c"));
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
  EXPECT_NE(rig.job(at.endpoint, job).error->find("larger than this server keeps"), std::string::npos);
  const Token stops = rig.poll_stops(at.endpoint, at.worker);
  EXPECT_EQ(rig.reply<StopList>(stops).jobs, std::vector<JobId>{job});
}

TEST(StreamLimits, BytesCountToo) {
  EngineSettings settings;
  settings.stream_bytes_max = 5;
  Rig rig(settings);
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.chunk(at.endpoint, at.worker, job, "12345");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_progress);
  rig.chunk(at.endpoint, at.worker, job, "6");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::failed);
}

// ---------------------------------------------------------------- cancel, retry, purge

TEST_F(Jobs, AQueuedJobIsCancelled) {
  const EndpointId at = rig.endpoint();
  const JobId job = rig.submit(at);
  EXPECT_EQ(rig.reply<JobReply>(rig.send(CancelJob{0, at, job})).job.status, JobStatus::cancelled);
  EXPECT_EQ(rig.engine->health(at)->in_queue, 0);
  EXPECT_EQ(rig.engine->health(at)->jobs, Counters{}) << "a cancelled job counts nowhere";
  EXPECT_EQ(rig.job(at, job).execution_ms, 0);
  EXPECT_TRUE(rig.work(at, rig.started().at(0)).empty()) << "never handed out";
}

TEST_F(Jobs, ARunningJobIsCancelledAndItsResultIgnored) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  const Token stops = rig.poll_stops(at.endpoint, at.worker);
  rig.send(CancelJob{0, at.endpoint, job});
  EXPECT_EQ(rig.reply<StopList>(stops).jobs, std::vector<JobId>{job});
  rig.reply<Done>(rig.finish(at.endpoint, at.worker, job));
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::cancelled);
  EXPECT_EQ(text_of(rig.job(at.endpoint, job).output), "(none)");
}

TEST_F(Jobs, CancellingAFinishedJobLeavesIt) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.finish(at.endpoint, at.worker, job, "5");
  const JobView& view = rig.reply<JobReply>(rig.send(CancelJob{0, at.endpoint, job})).job;
  EXPECT_EQ(view.status, JobStatus::completed);
  EXPECT_EQ(text_of(view.output), "5");
}

TEST_F(Jobs, ARetryBeginsANewLife) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.chunk(at.endpoint, at.worker, job, "old");
  rig.fail_job(at.endpoint, at.worker, job, "no");
  rig.advance(Millis{3'000});
  EXPECT_EQ(rig.reply<JobReply>(rig.send(RetryJob{0, at.endpoint, job})).job.status, JobStatus::in_queue);
  const JobView view = rig.job(at.endpoint, job);
  EXPECT_EQ(text_of(view.output), "(none)");
  EXPECT_FALSE(view.error || view.delay_ms);
  EXPECT_EQ(view.retries, 0);
  EXPECT_TRUE(rig.books.find(job)->chunks.empty());
  rig.advance(Millis{500});
  ASSERT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{job});
  EXPECT_EQ(rig.job(at.endpoint, job).delay_ms, 500) << "counted from the retry";
  rig.finish(at.endpoint, at.worker, job, "7");
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::completed);
  EXPECT_EQ(rig.engine->health(at.endpoint)->jobs, (Counters{1, 1, 0}));
}

TEST_F(Jobs, OnlyFailedJobsAreRetried) {
  const auto at = rig.staffed();
  const JobId running = rig.submit(at.endpoint);
  const JobId queued = rig.submit(at.endpoint);
  for (const JobId& job : {running, queued})
    EXPECT_EQ(rig.code(rig.send(RetryJob{0, at.endpoint, job})), Errc::conflict);
  rig.finish(at.endpoint, at.worker, running);
  rig.send(CancelJob{0, at.endpoint, queued});
  for (const JobId& job : {running, queued})
    EXPECT_EQ(rig.code(rig.send(RetryJob{0, at.endpoint, job})), Errc::conflict);
}

TEST_F(Jobs, ALateResultOfTheLifeBeforeIsIgnored) {
  const auto at = rig.staffed();
  const JobId job = rig.submit(at.endpoint);
  rig.fail_job(at.endpoint, at.worker, job, "no");
  rig.send(RetryJob{0, at.endpoint, job});
  rig.reply<Done>(rig.finish(at.endpoint, at.worker, job, "old"));
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::in_queue);
}

TEST_F(Jobs, PurgeTakesWhatWaits) {
  const auto at = rig.staffed();
  const JobId running = rig.submit(at.endpoint);
  const JobId waiting = rig.submit(at.endpoint);
  const JobId low = rig.submit(at.endpoint, [](JobRequest& r) { r.priority = Priority::low; });
  EXPECT_EQ(rig.reply<Purged>(rig.send(PurgeQueue{0, at.endpoint})).removed, 2);
  EXPECT_EQ(rig.status(at.endpoint, waiting), JobStatus::cancelled);
  EXPECT_EQ(rig.status(at.endpoint, low), JobStatus::cancelled);
  EXPECT_EQ(rig.status(at.endpoint, running), JobStatus::in_progress);
  EXPECT_EQ(rig.reply<Purged>(rig.send(PurgeQueue{0, at.endpoint})).removed, 0);
}

// ---------------------------------------------------------------- time to live, retention

TEST_F(Jobs, TimeToLiveEndsAWaitingJob) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const Token waiting = rig.run_sync(at, Millis{60'000});
  const JobId job = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{10'000}; });
  rig.advance(Millis{9'999});
  EXPECT_EQ(rig.status(at, job), JobStatus::in_queue);
  rig.advance(Millis{1});
  EXPECT_EQ(rig.status(at, job), JobStatus::timed_out);
  EXPECT_TRUE(rig.job(at, job).error);
  EXPECT_EQ(rig.engine->health(at)->jobs.failed, 1) << "TIMED_OUT counts as failed";
  EXPECT_FALSE(rig.answered(waiting)) << "the endpoint's time to live is longer";
}

TEST_F(Jobs, TimeToLiveEndsARunningJobAndTellsItsWorker) {
  const auto at = rig.staffed([](EndpointInput& in) { in.request_ttl_ms = 20'000; });
  const JobId job = rig.submit(at.endpoint);
  const Token stops = rig.poll_stops(at.endpoint, at.worker);
  rig.advance(Millis{20'000});
  EXPECT_EQ(rig.status(at.endpoint, job), JobStatus::timed_out);
  EXPECT_EQ(rig.reply<StopList>(stops).jobs, std::vector<JobId>{job});
}

TEST(JobsRetention, ExpiredJobsMayBeDeletedAtOnce) {
  EngineSettings settings;
  settings.ttl_expiry_deletes = true;
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId job = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{10'000}; });
  const Token waiting = rig.send(AwaitJob{0, at, job, Millis{60'000}});
  rig.advance(Millis{10'000});
  EXPECT_EQ(rig.reply<JobReply>(waiting).job.status, JobStatus::timed_out);
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, job));
}

TEST(JobsRetention, SyncResultsAreKeptForAShorterTime) {
  EngineSettings settings;
  settings.retention_async = Millis{60'000};
  settings.retention_sync = Millis{10'000};
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId async = rig.submit(at);
  const Token caller = rig.run_sync(at, Millis{90'000});
  rig.send(PurgeQueue{0, at});
  const JobId sync = rig.reply<JobReply>(caller).job.id;
  rig.recall(sync);
  rig.advance(Millis{9'999});
  EXPECT_TRUE(rig.engine->find_job(rig.now, at, sync));
  rig.advance(Millis{1});
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, sync));
  EXPECT_EQ(rig.code(rig.send(RetryJob{0, at, sync})), Errc::not_found);
  EXPECT_TRUE(rig.engine->find_job(rig.now, at, async));
  rig.advance(Millis{50'000});
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, async));
  rig.advance(Millis{120'000});
  EXPECT_FALSE(rig.engine->has_job(at, async)) << "swept from memory";
  EXPECT_EQ(rig.books.find(async), nullptr) << "and from the store";
}

TEST_F(Jobs, AnEndpointKeepsResultsAsLongAsItSays) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) {
    in.workers_max = 0;
    in.retention_async_s = 2;
  });
  const auto cancelled = [&] {
    const JobId job = rig.submit(at);
    rig.send(CancelJob{0, at, job});
    return job;
  };
  const auto there = [&](const JobId& job) { return rig.engine->find_job(rig.now, at, job).has_value(); };
  const JobId job = cancelled();
  rig.restart();
  const JobId other = cancelled();
  rig.advance(Millis{1'999});
  EXPECT_TRUE(there(other));
  rig.advance(Millis{1});
  EXPECT_FALSE(there(other));
  EXPECT_EQ(rig.books.find(job)->state.expires, rig.now);
  rig.save(at, [](EndpointInput& in) { in.retention_async_s = Field<std::int64_t>::null(); });
  const JobId last = cancelled();
  rig.advance(rig.settings.retention_async - Millis{1});
  EXPECT_TRUE(there(last));
}

TEST_F(Jobs, TtlIsOnlyLowered) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const JobId job = rig.submit(at, [](JobRequest& r) { r.ttl = Millis{60'000}; });
  EXPECT_EQ(rig.reply<JobReply>(rig.send(LowerTtl{0, at, job, Millis{90'000}})).job.status, JobStatus::in_queue);
  EXPECT_EQ(rig.books.find(job)->state.ttl_deadline, rig.now + Millis{60'000});
  rig.send(LowerTtl{0, at, job, Millis{6'000}});
  rig.advance(Millis{6'000});
  EXPECT_EQ(rig.status(at, job), JobStatus::timed_out);
  rig.send(LowerTtl{0, at, job, Millis{1'000}});
  EXPECT_TRUE(rig.engine->find_job(rig.now, at, job));
  rig.send(LowerTtl{0, at, job, Millis{3'600'000}});
  rig.advance(Millis{1'000});
  EXPECT_FALSE(rig.engine->find_job(rig.now, at, job)) << "a finished job is forgotten sooner, never later";
}

// ---------------------------------------------------------------- memory

TEST(JobsMemory, FinishedJobsAreLetGoAndRecalled) {
  EngineSettings settings;
  settings.resident_jobs_max = 2;
  Rig rig(settings);
  const auto at = rig.staffed();
  std::vector<JobId> jobs;
  for (int i = 0; i < 3; ++i) {
    jobs.push_back(rig.submit(at.endpoint));
    rig.work(at.endpoint, at.worker);
    rig.finish(at.endpoint, at.worker, jobs.back(), std::to_string(i).c_str());
  }
  EXPECT_FALSE(rig.engine->has_job(at.endpoint, jobs[0])) << "the longest finished goes first";
  EXPECT_TRUE(rig.engine->has_job(at.endpoint, jobs[1]));
  rig.recall(jobs[0]);
  EXPECT_EQ(text_of(rig.job(at.endpoint, jobs[0]).output), "0");
  EXPECT_FALSE(rig.engine->has_job(at.endpoint, jobs[1])) << "it makes room in turn";
  rig.recall(jobs[0]);
  EXPECT_EQ(rig.engine->health(at.endpoint)->jobs.completed, 3);
}

TEST(JobsMemory, BytesCountToo) {
  EngineSettings settings;
  settings.resident_bytes_max = 100'000;
  Rig rig(settings);
  const auto at = rig.staffed();
  const auto large = [&] {
    const JobId job = rig.submit(at.endpoint);
    rig.work(at.endpoint, at.worker);
    rig.finish(at.endpoint, at.worker, job, std::string(60'000, '1').c_str());
    return job;
  };
  const JobId first = large();
  EXPECT_TRUE(rig.engine->has_job(at.endpoint, first));
  const JobId second = large();
  EXPECT_FALSE(rig.engine->has_job(at.endpoint, first));
  EXPECT_TRUE(rig.engine->has_job(at.endpoint, second));
}

TEST(JobsMemory, AnInputThatNothingNeedsAnyMoreIsLetGo) {
  EngineSettings settings;
  settings.resident_bytes_max = 100'000;
  Rig rig(settings);
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_max = 0; });
  const auto cancelled = [&](const char* key) {
    const JobId job = rig.submit(at, [&](JobRequest& r) {
      r.input = bytes(std::string(60'000, 'x'));
      r.idempotency_key = key;
    });
    rig.send(CancelJob{0, at, job});
    return job;
  };
  const JobId first = cancelled("");
  const JobId second = cancelled("");
  EXPECT_TRUE(rig.engine->has_job(at, first));
  cancelled("a submission with this key is held against it");
  EXPECT_TRUE(rig.engine->has_job(at, second));
  cancelled("another key");
  EXPECT_FALSE(rig.engine->has_job(at, second));
}

TEST(JobsMemory, ARecalledJobCanBeRetried) {
  EngineSettings settings;
  settings.resident_jobs_max = 1;
  Rig rig(settings);
  const auto at = rig.staffed();
  const JobId failed = rig.submit(at.endpoint);
  rig.fail_job(at.endpoint, at.worker, failed, "no");
  const JobId other = rig.submit(at.endpoint);
  rig.send(CancelJob{0, at.endpoint, other});
  ASSERT_FALSE(rig.engine->has_job(at.endpoint, failed));
  rig.recall(failed);
  rig.send(RetryJob{0, at.endpoint, failed});
  EXPECT_EQ(rig.work(at.endpoint, at.worker), std::vector<JobId>{failed});
}

}  // namespace
}  // namespace penstock::core
