// What every store promises (store/store.h).

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <string>

#include "store/memory_store.h"
#include "store_rig.h"
#include "store_samples.h"

namespace penstock::store::contract {
namespace {

using core::Record;

using StoreContract = StoreRig;

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, every_store(), store_name);

core::StoredJob stored(const core::JobAdded& added) {
  return {added.request, added.state, nullptr, {}};
}

TEST_P(StoreContract, IsEmptyAtFirst) {
  expect_holds(store(), {});
}

/// Begins turns as the loop does under load, and waits for the last one.
TEST_P(StoreContract, TurnsThatAreCommittedLaterAreThereAtOnceAndDurableInOrder) {
  core::StoredState wanted;
  std::vector<int> durable;
  std::mutex mutex;
  for (int i = 0; i < 200; ++i) {
    const core::JobAdded job = full_job("job-" + std::to_string(i), "ep-1");
    wanted.jobs.push_back(stored(job));
    store().commit_later(Turn{job}, [&, i](const Result<void>& done) {
      const std::scoped_lock lock(mutex);
      EXPECT_TRUE(done);
      durable.push_back(i);
    });
    ASSERT_TRUE(finds("ep-1", "job-" + std::to_string(i)));
  }
  commit({});  // not before those that were begun
  {
    const std::scoped_lock lock(mutex);
    ASSERT_EQ(durable.size(), 200U);
    EXPECT_TRUE(std::ranges::is_sorted(durable));
  }
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, KeepsTheNewestReleasesOfAnEndpoint) {
  for (int version = 0; version < core::kReleasesKept + 5; ++version) {
    commit({core::ReleaseSaved{release("ep-1", version)}});
  }
  commit({core::ReleaseSaved{release("ep-2", 3)}});
  restart();
  const auto kept = listed(store(), &Store::list_releases, id<EndpointId>("ep-1"));
  ASSERT_EQ(kept.size(), static_cast<std::size_t>(core::kReleasesKept));
  EXPECT_EQ(kept.front(), release("ep-1", core::kReleasesKept + 4));
  EXPECT_EQ(kept.back(), release("ep-1", 5));
  commit({core::EndpointRemoved{id<EndpointId>("ep-1")}});
  EXPECT_TRUE(listed(store(), &Store::list_releases, id<EndpointId>("ep-1")).empty());
  EXPECT_EQ(listed(store(), &Store::list_releases, id<EndpointId>("ep-2")).size(), 1U);
}

TEST_P(StoreContract, WhereAnEndpointRanIsReplacedAsAWholeAndGoesWithIt) {
  commit({core::PlacesSaved{places("ep-1", 3)}, core::PlacesSaved{places("ep-2", 2)}});
  commit({core::PlacesSaved{places("ep-1", 7)}, core::PlacesSaved{places("ep-3", 0)}});
  core::StoredState wanted;
  wanted.places = {places("ep-1", 7), places("ep-2", 2), places("ep-3", 0)};
  expect_holds(store(), wanted);
  expect_holds(restarted(), wanted);
  commit({core::EndpointRemoved{id<EndpointId>("ep-2")}});
  wanted.places.erase(wanted.places.begin() + 1);
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, UsageOutlivesItsEndpointAndAStartLoadsTheLastDayOfIt) {
  core::StoredState wanted;
  for (const int hour : {1, 30, 40, 54}) {
    commit({core::UsageSaved{usage("ep-1", "ADA_24", hour)}});
    if (hour >= 30) wanted.usage.push_back(usage("ep-1", "ADA_24", hour));
  }
  commit({core::EndpointRemoved{id<EndpointId>("ep-1")}, core::BudgetSaved{budget("ep-1", 5)},
          core::BudgetSaved{budget("", 7)}, core::BudgetSaved{budget("ep-1", std::nullopt)}});
  wanted.budgets.push_back(budget("", 7));
  expect_holds(restarted(), wanted);
  const auto usage_of = [&](const char* account) {
    return listed(store(), &Store::list_usage,
                  core::UsageQuery{id<AccountId>(account), std::nullopt, Time{}, from_ms(1LL << 50)});
  };
  const auto all = usage_of("account-1");
  EXPECT_EQ(all.size(), 4U);
  EXPECT_TRUE(usage_of("account-2").empty());
}

TEST_P(StoreContract, UsageAndBudgetsAgreeWithRecordsAppliedOneByOne) {
  const auto model = make_memory_store();
  SeededRandom random(7);
  for (int step = 0; step < 60; ++step) {
    Turn turn;
    for (std::uint64_t left = 1 + random.below(6); left > 0; --left) {
      const std::string endpoint = "ep-" + std::to_string(random.below(3));
      core::UsageRow row = usage(endpoint, random.below(2) == 0 ? "CPU" : "ADA_24", static_cast<int>(random.below(60)));
      row.worker_ms[1] = step;
      turn.push_back(core::UsageSaved{row});
      const auto limit = random.below(2) == 0 ? std::nullopt : std::optional<std::int64_t>(step);
      turn.push_back(core::BudgetSaved{budget(random.below(2) == 0 ? endpoint : "", limit)});
    }
    for (const Record& record : turn) ASSERT_TRUE(model->commit(Turn{record}));
    commit(turn);
    if (step % 20 == 19) restart();
    expect_same(*store().load(), *model->load());
    const auto only = step % 2 == 0 ? std::nullopt : std::optional(id<EndpointId>("ep-1"));
    const core::UsageQuery query{id<AccountId>("account-1"), only, from_ms(3'600'000), from_ms(30LL * 3'600'000)};
    EXPECT_EQ(listed(store(), &Store::list_usage, query), listed(*model, &Store::list_usage, query));
    if (HasFailure()) return;
  }
}

TEST_P(StoreContract, AnEmptyTurnChangesNothing) {
  commit({});
  expect_holds(restarted(), {});
}

TEST_P(StoreContract, FindsTheLatestJobOfAnIdempotencyKey) {
  const auto keyed = [](const char* name, const char* endpoint, const char* key) {
    core::JobAdded added = bare_job(name, endpoint);
    added.request.idempotency_key = key;
    return added;
  };
  const auto found = [this](const char* endpoint, const char* key) {
    const auto job = store().find_keyed_job(id<EndpointId>(endpoint), key);
    return job && *job ? to_string((*job)->request.id) : "none";
  };
  commit({keyed("job-1", "ep-1", "k"), keyed("job-2", "ep-2", "k"), keyed("job-3", "ep-1", "l"),
          keyed("job-4", "ep-1", "")});
  EXPECT_EQ(found("ep-1", "k"), "job-1");
  EXPECT_EQ(found("ep-2", "k"), "job-2");
  EXPECT_EQ(found("ep-2", "l"), "none");
  EXPECT_EQ(found("ep-1", "K"), "none");
  commit({keyed("job-5", "ep-1", "k")});
  restart();
  EXPECT_EQ(found("ep-1", "k"), "job-5");
  EXPECT_EQ(found("ep-1", "l"), "job-3");
  core::JobState ended;
  ended.status = core::JobStatus::completed;
  ended.expires = from_ms(5);
  commit({core::JobChanged{id<JobId>("job-3"), ended, false, {}}, core::JobsForgotten{from_ms(5)}});
  EXPECT_EQ(found("ep-1", "l"), "none");
  EXPECT_EQ(found("ep-1", "k"), "job-5");
}

TEST_P(StoreContract, KnowsTheEndpointOfAJob) {
  commit({bare_job("job-1", "ep-1"), bare_job("job-2", "ep-2")});
  EXPECT_EQ(*store().endpoint_of(id<JobId>("job-2")), id<EndpointId>("ep-2"));
  restart();
  EXPECT_EQ(*store().endpoint_of(id<JobId>("job-1")), id<EndpointId>("ep-1"));
  EXPECT_FALSE(*store().endpoint_of(id<JobId>("job-3")));
}

TEST_P(StoreContract, EveryKindOfRecordComesBackWhole) {
  core::StoredState wanted;
  wanted.accounts = {account("acc-1"), account("acc-0")};
  wanted.keys = {key("key-1"), key("key-0")};
  wanted.templates = {full_template("tpl-2"), bare_template("tpl-1")};
  wanted.endpoints = {full_endpoint("ep-2"), bare_endpoint("ep-1")};
  wanted.counters = {{id<EndpointId>("ep-2"), {1, 2, INT64_MAX}}, {id<EndpointId>("ep-1"), {0, 0, 0}}};
  wanted.workers = {full_worker("w-2", "ep-2"), bare_worker("w-1", "ep-1")};
  wanted.volumes = {volume("vol-2"), volume("vol-1")};
  wanted.secrets = {secret("sec-2"), secret("sec-1")};
  wanted.secrets[1].description.reset();
  wanted.credentials = {credential("cred-2"), credential("cred-1")};
  wanted.gpu_marks = {gpu_mark("GPU-2"), gpu_mark("local:1")};
  wanted.gpu_marks[1].released.reset();
  wanted.jobs = {stored(full_job("job-2", "ep-2")), stored(bare_job("job-1", "ep-1"))};
  core::Batch draft;
  draft.id = id<BatchId>("batch_1");
  draft.endpoint = id<EndpointId>("ep-1");
  wanted.batches = {full_batch("batch_2", "ep-2"), draft};

  Turn turn;
  for (const auto& value : wanted.accounts) turn.push_back(core::AccountSaved{value});
  for (const auto& value : wanted.keys) turn.push_back(core::ApiKeySaved{value});
  for (const auto& value : wanted.templates) turn.push_back(core::TemplateSaved{value});
  for (const auto& value : wanted.endpoints) turn.push_back(core::EndpointSaved{value});
  for (const auto& [endpoint, value] : wanted.counters) turn.push_back(core::CountersSaved{endpoint, value});
  for (const auto& value : wanted.workers) turn.push_back(core::WorkerSaved{value});
  for (const auto& value : wanted.volumes) turn.push_back(core::VolumeSaved{value});
  for (const auto& value : wanted.secrets) turn.push_back(core::SecretSaved{value});
  for (const auto& value : wanted.credentials) turn.push_back(core::CredentialSaved{value});
  for (const auto& value : wanted.gpu_marks) turn.push_back(core::GpuMarkSaved{value});
  for (const auto& value : wanted.jobs) turn.push_back(core::JobAdded{value.request, value.state});
  for (const auto& value : wanted.batches) turn.push_back(core::BatchSaved{value});
  commit(turn);

  expect_holds(store(), wanted);
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, EveryEnumeratorComesBack) {
  core::StoredState wanted;
  Turn turn;
  for (const auto status : {core::JobStatus::in_queue, core::JobStatus::in_progress, core::JobStatus::completed,
                            core::JobStatus::failed, core::JobStatus::cancelled, core::JobStatus::timed_out}) {
    core::JobAdded job = bare_job("job-" + std::to_string(wanted.jobs.size()), "ep-1");
    job.state.status = status;
    wanted.jobs.push_back(stored(job));
    const bool is_over = status == core::JobStatus::completed || status == core::JobStatus::cancelled;
    if (is_over) wanted.jobs.back().request.input = nullptr;
    turn.push_back(job);
  }
  for (const auto boot : {core::FlashBoot::off, core::FlashBoot::flashboot, core::FlashBoot::priority_flashboot}) {
    core::Endpoint endpoint = bare_endpoint("ep-" + std::to_string(wanted.endpoints.size()));
    endpoint.flash_boot = boot;
    endpoint.scaler_type = wanted.endpoints.empty() ? core::ScalerType::queue_delay : core::ScalerType::request_count;
    wanted.endpoints.push_back(endpoint);
    turn.push_back(core::EndpointSaved{endpoint});
  }
  for (const auto scope : {core::KeyScope::all, core::KeyScope::read_only}) {
    core::ApiKey saved = key("key-" + std::to_string(wanted.keys.size()));
    saved.scope = scope;
    wanted.keys.push_back(saved);
    turn.push_back(core::ApiKeySaved{saved});
  }
  commit(turn);
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, ALaterRecordReplacesAnEarlierOneInItsPlace) {
  commit({core::EndpointSaved{full_endpoint("ep-1")}, core::EndpointSaved{bare_endpoint("ep-2")},
          core::TemplateSaved{full_template("tpl-1")}, core::WorkerSaved{full_worker("w-1", "ep-1")},
          core::AccountSaved{account("acc-1")}, core::ApiKeySaved{key("key-1")}});
  core::Account moved = account("acc-1");
  moved.email = "";
  core::ApiKey renamed = key("key-1");
  renamed.scope = core::KeyScope::all;
  commit({core::EndpointSaved{bare_endpoint("ep-1")}, core::TemplateSaved{bare_template("tpl-1")},
          core::WorkerSaved{bare_worker("w-1", "ep-2")}, core::AccountSaved{moved}, core::ApiKeySaved{renamed}});

  core::StoredState wanted;
  wanted.accounts = {moved};
  wanted.keys = {renamed};
  wanted.templates = {bare_template("tpl-1")};
  wanted.endpoints = {bare_endpoint("ep-1"), bare_endpoint("ep-2")};
  wanted.workers = {bare_worker("w-1", "ep-2")};
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, JobsComeBackInTheOrderOfSubmission) {
  Turn turn;
  core::StoredState wanted;
  for (int i = 0; i < 500; ++i) {
    // Identifiers fall while the order rises; one of three is forgotten again, and the newest too.
    const core::JobAdded job = bare_job("job-" + std::to_string(9999 - i), "ep-1");
    turn.push_back(job);
    if (i % 3 == 0 || i == 499) {
      turn.push_back(core::JobChanged{job.request.id, completed_state(), false, {}});
      turn.push_back(core::JobsForgotten{completed_state().expires});
    } else {
      wanted.jobs.push_back(stored(job));
    }
    if (i % 7 == 0) {
      commit(turn);
      turn.clear();
    }
  }
  commit(turn);
  restart();
  const core::JobAdded last = bare_job("job-0", "ep-1");
  commit({last});
  wanted.jobs.push_back(stored(last));
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, ManyJobsAtOnceOfWhichSomeAreThereAlready) {
  const std::string large(100'000, 'x');  // lies beside its row
  const auto name_of = [](int i) { return "job-" + std::to_string(100 + i); };
  const auto job = [&](int i, std::string_view mark) {
    core::JobAdded added = i % 2 == 0 ? full_job(name_of(i), "ep-1") : bare_job(name_of(i), "ep-1");
    added.request.input = core::bytes((i % 5 == 0 ? large : "") + std::string(mark) + name_of(i));
    return added;
  };
  core::StoredState wanted;
  Turn known;
  for (const int i : {3, 11, 12, 27}) {  // in a run of new ones, two of them side by side
    known.push_back(job(i, "old "));
    known.push_back(core::ChunkAdded{id<JobId>(name_of(i)), 0, core::bytes("chunk")});
    known.push_back(core::JobChanged{id<JobId>(name_of(i)), {}, true, core::bytes(large + "progress")});
    wanted.jobs.push_back(stored(job(i, "new ")));
  }
  commit(known);
  Turn turn;
  for (int i = 0; i < 30; ++i) {
    turn.push_back(job(i, "new "));
    if (i != 3 && i != 11 && i != 12 && i != 27) wanted.jobs.push_back(stored(job(i, "new ")));
    if (i == 20) {
      turn.push_back(core::JobChanged{id<JobId>(name_of(i)), {}, true, core::bytes(large + "more")});
      wanted.jobs.back().state = {};
      wanted.jobs.back().output = core::bytes(large + "more");
    }
  }
  commit(turn);
  expect_holds(restarted(), wanted);
  commit(turn);  // as after a crash
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, AJobsChangesReplaceItsStateAndOnlyAskedForItsOutput) {
  const core::JobAdded added = full_job("job-1", "ep-1");
  commit({added});
  core::StoredJob wanted = stored(added);

  wanted.state = completed_state();
  wanted.output = core::bytes(awkward_text("progress"));
  commit({core::JobChanged{added.request.id, wanted.state, true, wanted.output}});
  core::StoredState state;
  state.jobs = {wanted};
  expect_holds(store(), state);

  state.jobs[0].state.chunks_delivered = 77;
  commit({core::JobChanged{added.request.id, state.jobs[0].state, false, core::bytes("not to be written")}});
  expect_holds(restarted(), state);

  state.jobs[0].output = core::bytes("");
  commit({core::JobChanged{added.request.id, state.jobs[0].state, true, state.jobs[0].output}});
  expect_holds(restarted(), state);

  state.jobs[0].output = nullptr;
  commit({core::JobChanged{added.request.id, state.jobs[0].state, true, nullptr}});
  expect_holds(restarted(), state);
}

TEST_P(StoreContract, PayloadsOfEverySizeComeBack) {
  core::StoredState wanted;
  SeededRandom random(7);
  for (const std::size_t size : {0UL, 1UL, 2047UL, 2048UL, 2049UL, 65536UL, 1048576UL, 20000001UL}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) text[i] = static_cast<char>(random.next());
    core::JobAdded job = bare_job("job-" + std::to_string(size), "ep-1");
    job.request.input = core::bytes(text);
    job.request.s3_config = core::bytes(text + "s3");
    commit({job});
    core::StoredJob back = stored(job);
    back.output = core::bytes(text + "out");
    back.chunks = {core::bytes(text), core::bytes(text + "chunk")};
    commit({core::JobChanged{job.request.id, job.state, true, back.output},
            core::ChunkAdded{job.request.id, 0, back.chunks[0]}, core::ChunkAdded{job.request.id, 1, back.chunks[1]}});
    wanted.jobs.push_back(back);
  }
  expect_holds(restarted(), wanted);

  // A large output gives way to a small one, to none, and to another large one.
  const std::vector<core::Bytes> next = {core::bytes("small"), nullptr, core::bytes(std::string(5000, 'x'))};
  for (const core::Bytes& output : next) {
    core::StoredJob& last = wanted.jobs.back();
    last.output = output;
    commit({core::JobChanged{last.request.id, last.state, true, output}});
    expect_holds(restarted(), wanted);
  }
}

TEST_P(StoreContract, ChunksKeepTheirOrderAndCanBeCleared) {
  const core::JobAdded job = bare_job("job-1", "ep-1");
  core::StoredState wanted;
  wanted.jobs = {stored(job)};
  commit({job});
  for (int i = 0; i < 25; ++i) {
    const core::Bytes chunk = core::bytes("chunk " + std::to_string(i));
    wanted.jobs[0].chunks.push_back(chunk);
    commit({core::ChunkAdded{job.request.id, i, chunk}});
  }
  expect_holds(restarted(), wanted);

  wanted.jobs[0].chunks = {core::bytes("of the next attempt")};
  commit({core::ChunksCleared{job.request.id}, core::ChunkAdded{job.request.id, 0, wanted.jobs[0].chunks[0]}});
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, RemovedThingsAreGone) {
  commit({core::TemplateSaved{full_template("tpl-1")}, core::WorkerSaved{full_worker("w-1", "ep-1")},
          core::VolumeSaved{volume("vol-1")}, core::SecretSaved{secret("sec-1")},
          core::CredentialSaved{credential("cred-1")}, core::GpuMarkSaved{gpu_mark("GPU-1")}});
  commit({core::TemplateRemoved{id<TemplateId>("tpl-1")}, core::WorkerRemoved{id<WorkerId>("w-1")},
          core::VolumeRemoved{id<VolumeId>("vol-1")}, core::SecretRemoved{id<SecretId>("sec-1")},
          core::CredentialRemoved{id<CredentialId>("cred-1")}, core::GpuMarkRemoved{"GPU-1"}});
  expect_holds(restarted(), {});
}

TEST_P(StoreContract, ATerminalJobIsFoundButNotLoaded) {
  core::StoredState wanted;
  for (const auto status : {core::JobStatus::completed, core::JobStatus::failed, core::JobStatus::cancelled,
                            core::JobStatus::timed_out, core::JobStatus::in_progress, core::JobStatus::in_queue}) {
    const core::JobAdded job = full_job("job-" + std::to_string(wanted.jobs.size()), "ep-1");
    core::StoredJob& kept = wanted.jobs.emplace_back(stored(job));
    kept.state.status = status;
    kept.output = core::bytes(std::string(5000, 'x'));
    kept.chunks = {core::bytes("a"), core::bytes("b")};
    commit({job, core::ChunkAdded{job.request.id, 0, kept.chunks[0]},
            core::ChunkAdded{job.request.id, 1, kept.chunks[1]},
            core::JobChanged{job.request.id, kept.state, true, kept.output}});
  }
  expect_holds(restarted(), wanted);
  EXPECT_EQ(store().load()->jobs.size(), 2U);
  EXPECT_FALSE(finds("ep-2", "job-0"));
  EXPECT_FALSE(finds("ep-1", "job-99"));
}

TEST_P(StoreContract, OnlyTerminalJobsWhoseTimeHasComeAreForgotten) {
  core::StoredState wanted;
  const core::Bytes large = core::bytes(std::string(5000, 'x'));
  const auto add = [&](const std::string& name, core::JobStatus status, std::int64_t expires, bool stays) {
    const core::JobAdded job = full_job(name, "ep-1");
    core::JobState state = job.state;
    state.status = status;
    state.expires = from_ms(expires);
    commit({job, core::ChunkAdded{job.request.id, 0, large}, core::JobChanged{job.request.id, state, true, large}});
    if (stays) wanted.jobs.push_back({job.request, state, large, {large}});
  };
  add("job-past", core::JobStatus::completed, 499, false);
  add("job-now", core::JobStatus::failed, 500, false);
  add("job-future", core::JobStatus::cancelled, 501, true);
  add("job-waiting", core::JobStatus::in_queue, 0, true);
  add("job-running", core::JobStatus::in_progress, 499, true);
  commit({core::JobsForgotten{from_ms(500)}});
  expect_holds(restarted(), wanted);
  EXPECT_FALSE(finds("ep-1", "job-past"));
  EXPECT_FALSE(finds("ep-1", "job-now"));

  // The id may come again; nothing of the earlier job clings to it.
  const core::JobAdded again = bare_job("job-past", "ep-2");
  commit({again});
  wanted.jobs.push_back(stored(again));
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, AnEndpointTakesItsCountersAndJobsAlongButNotItsWorkers) {
  core::StoredState wanted;
  for (const char* endpoint : {"ep-1", "ep-2"}) {
    const std::string mark = endpoint;
    const core::JobAdded job = full_job("job-" + mark, endpoint);
    const core::JobAdded done = full_job("done-" + mark, endpoint);
    const core::Bytes large = core::bytes(std::string(5000, 'x'));
    commit({core::EndpointSaved{full_endpoint(endpoint)}, core::CountersSaved{id<EndpointId>(endpoint), {1, 2, 3}},
            core::WorkerSaved{full_worker("w-" + mark, endpoint)}, job, done,
            core::JobChanged{job.request.id, job.state, true, large}, core::ChunkAdded{job.request.id, 0, large},
            core::JobChanged{done.request.id, completed_state(), true, large}});
    wanted.endpoints = {full_endpoint(endpoint)};
    wanted.counters = {{id<EndpointId>(endpoint), {1, 2, 3}}};
    wanted.workers.push_back(full_worker("w-" + mark, endpoint));
    wanted.jobs = {{job.request, job.state, large, {large}}, {done.request, completed_state(), large, {}}};
  }
  commit({core::EndpointRemoved{id<EndpointId>("ep-1")}});
  expect_holds(restarted(), wanted);
  EXPECT_FALSE(finds("ep-1", "job-ep-1"));
  EXPECT_FALSE(finds("ep-1", "done-ep-1"));

  const core::JobAdded again = bare_job("job-ep-1", "ep-2");
  commit({again});
  wanted.jobs.push_back(stored(again));
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, ChangesOfWhatIsNotThereAreDropped) {
  const JobId gone = id<JobId>("job-1");
  const core::Bytes large = core::bytes(std::string(5000, 'x'));
  commit({core::JobChanged{gone, completed_state(), true, large}, core::ChunkAdded{gone, 0, large},
          core::ChunksCleared{gone}, core::JobsForgotten{from_ms(INT64_MAX)},
          core::TemplateRemoved{id<TemplateId>("tpl-1")}, core::WorkerRemoved{id<WorkerId>("w-1")},
          core::EndpointRemoved{id<EndpointId>("ep-1")}, core::VolumeRemoved{id<VolumeId>("vol-1")},
          core::SecretRemoved{id<SecretId>("sec-1")}, core::CredentialRemoved{id<CredentialId>("cred-1")},
          core::GpuMarkRemoved{"GPU-1"}});
  expect_holds(restarted(), {});
}

TEST_P(StoreContract, SeveralChangesWithinOneTurnLeaveTheLast) {
  const core::JobAdded job = bare_job("job-1", "ep-1");
  const core::JobAdded other = bare_job("job-2", "ep-1");
  const EndpointId endpoint = id<EndpointId>("ep-1");
  core::JobState handed_out = job.state;
  handed_out.status = core::JobStatus::in_progress;
  commit({job, core::CountersSaved{endpoint, {1, 0, 0}}, other, core::JobChanged{job.request.id, handed_out, false, {}},
          core::ChunkAdded{job.request.id, 0, core::bytes("lost")},
          core::JobChanged{job.request.id, handed_out, true, core::bytes("progress")},
          core::CountersSaved{endpoint, {2, 0, 0}}, core::ChunksCleared{job.request.id},
          core::JobChanged{job.request.id, completed_state(), false, {}}});
  core::StoredState wanted;
  wanted.counters = {{endpoint, {2, 0, 0}}};
  wanted.jobs = {{job.request, completed_state(), core::bytes("progress"), {}}, stored(other)};
  wanted.jobs[0].request.input = nullptr;
  expect_holds(restarted(), wanted);
}

TEST_P(StoreContract, AnInputIsKeptAsLongAsItMayBeNeeded) {
  using enum core::JobStatus;
  core::StoredState wanted;
  for (const std::size_t size : {10UL, 10'000UL}) {
    for (const bool has_key : {false, true}) {
      for (const auto status : {in_progress, completed, failed, cancelled, timed_out}) {
        const std::string name = "job-" + std::to_string(wanted.jobs.size());
        core::JobAdded job = bare_job(name, "ep-1");
        job.request.input = core::bytes(std::string(size, 'i'));
        job.request.s3_config = core::bytes(std::string(size, 's'));
        if (has_key) job.request.idempotency_key = name;
        core::StoredJob& kept = wanted.jobs.emplace_back(stored(job));
        kept.state.status = status;
        kept.output = core::bytes(std::string(size, 'o'));
        commit({job});
        if (wanted.jobs.size() % 2 == 0) restart();  // the tables have it before it ends
        commit({core::JobChanged{job.request.id, kept.state, true, kept.output}});
        if (has_key || (status != completed && status != cancelled)) continue;
        kept.request.input = nullptr;
        kept.request.s3_config = nullptr;
      }
    }
  }
  expect_holds(store(), wanted);
  expect_holds(restarted(), wanted);
}

}  // namespace
}  // namespace penstock::store::contract
