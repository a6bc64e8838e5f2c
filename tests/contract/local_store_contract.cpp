// What holds for the log with tables behind it: crashes, full disks, parts that do not belong together.

#include "store/local_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "failures.h"
#include "store/sqlite_store.h"
#include "store_rig.h"
#include "store_samples.h"
#include "temporary_directory.h"

namespace penstock::store::contract {
namespace {

namespace fs = std::filesystem;

using Turn = std::vector<core::Record>;

class LocalStoreTest : public testing::Test {
 protected:
  LocalStoreOptions options() const {
    LocalStoreOptions all{(directory_.path() / "penstock.db").string(), (directory_.path() / "log").string(), {}};
    all.log.segment_bytes = 1U << 20;
    all.apply_after = apply_after_;
    return all;
  }

  Result<std::unique_ptr<Store>> try_open() { return open_local_store(options(), random_); }

  std::unique_ptr<Store> open() {
    auto opened = try_open();
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  std::string refusal() {
    const auto opened = try_open();
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().message;
  }

  /// What a crash at this instant would leave. The store's thread may be writing: then again, until it was not.
  void crash_to(const fs::path& copy) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      fs::remove_all(copy);
      const auto before = files();
      std::error_code vanished;
      fs::copy(directory_.path(), copy, fs::copy_options::recursive, vanished);
      if (!vanished && files() == before) return;
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << vanished.message();
    }
  }

  /// Every file with its size and when it was written last.
  std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> files() const {
    std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> found;
    std::error_code vanished;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path(), vanished)) {
      if (entry.is_regular_file(vanished)) {
        found[entry.path().string()] = {entry.file_size(vanished), entry.last_write_time(vanished)};
      }
    }
    return found;
  }

  void put_back(const fs::path& copy) const {
    for (const char* part : {"penstock.db", "penstock.db-journal", "log"}) {
      fs::remove_all(directory_.path() / part);
    }
    fs::copy(copy, directory_.path(), fs::copy_options::recursive);
  }

  TemporaryDirectory directory_;
  TemporaryDirectory elsewhere_;
  SystemRandom random_;
  Millis apply_after_{3'600'000};
};

constexpr std::uint64_t kLargeBytes = 210'000;  // what one of these takes of the log

core::JobAdded large_job(const std::string& name) {
  core::JobAdded job = full_job(name, "ep-1");
  job.request.input = core::bytes(std::string(200'000, 'x'));
  return job;
}

TEST_F(LocalStoreTest, NoAcknowledgedTurnIsLostByKill9AndNoneIsHalf) {
  expect_survives_kill9([this] { return try_open(); });
}

TEST_F(LocalStoreTest, NorWhileTheTablesAreWritten) {
  apply_after_ = Millis{1};
  expect_survives_kill9([this] { return try_open(); });
}

TEST_F(LocalStoreTest, OnlyWhileSomebodyWaitsTheTablesAreWrittenAtOnce) {
  const auto store = open();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(store->commit(Turn{bare_job("job-" + std::to_string(round), "ep-1")}));
    std::this_thread::sleep_for(Millis{20});  // for a store's thread that would be in haste
    EXPECT_EQ(store->stats().turns_behind, 1U) << "turns are gathered";
    EXPECT_GT(store->stats().bytes_behind, 0U);
    core::JobQuery query;
    query.endpoint = id<EndpointId>("ep-1");
    query.count = query.looks = 10;
    EXPECT_EQ(listed(*store, &Store::list_jobs, query).jobs.size(), static_cast<std::size_t>(round) + 1);
    EXPECT_EQ(store->stats().turns_behind, 0U);
    EXPECT_EQ(store->stats().bytes_behind, 0U);
  }
}

TEST_F(LocalStoreTest, WithoutACommitItLetsGoOfWhatTheTablesHave) {
  apply_after_ = Millis{3'600'000};
  const auto store = open();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->commit({full_job("job-" + std::to_string(i), "ep-1")}));
  EXPECT_FALSE(store->tidy()) << "the tables have none of it";
  core::JobQuery query;
  query.endpoint = id<EndpointId>("ep-1");
  query.count = query.looks = 100;
  EXPECT_EQ(listed(*store, &Store::list_jobs, query).jobs.size(), 50U);
  int calls = 1;
  while (store->tidy()) ++calls;
  EXPECT_GT(calls, 10) << "a little at a time";
  EXPECT_LE(calls, 25);
}

TEST_F(LocalStoreTest, WhatOnlyTheLogHasIsThereAfterACrash) {
  const core::JobAdded job = full_job("job-1", "ep-1");
  auto store = open();
  ASSERT_TRUE(store->commit(Turn{job}));
  crash_to(elsewhere_.path() / "copy");
  store.reset();  // its thread would make the next segment in the place of the copy
  put_back(elsewhere_.path() / "copy");
  core::StoredState wanted;
  wanted.jobs = {{job.request, job.state, nullptr, {}}};
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, AMissingLogIsRefusedUnlessTheEndWasInOrder) {
  {
    const auto store = open();
    ASSERT_TRUE(store->commit(Turn{full_job("job-1", "ep-1")}));
    crash_to(elsewhere_.path() / "copy");
  }
  fs::remove_all(directory_.path() / "log");
  EXPECT_NE(open(), nullptr);  // all of it was in the tables

  put_back(elsewhere_.path() / "copy");
  fs::remove_all(directory_.path() / "log");
  const std::string told = refusal();
  EXPECT_NE(told.find("is missing"), std::string::npos) << told;
  EXPECT_NE(told.find("penstock doctor"), std::string::npos) << told;
}

TEST_F(LocalStoreTest, ALogOfAnotherDatabaseIsRefused) {
  ASSERT_TRUE(open()->commit(Turn{full_job("job-1", "ep-1")}));
  fs::remove(directory_.path() / "penstock.db");
  EXPECT_NE(refusal().find("belongs to another database"), std::string::npos);
}

TEST_F(LocalStoreTest, AnOlderCopyOfTheTablesIsRefusedWhenTheLogHasMovedOn) {
  apply_after_ = Millis{1};
  open().reset();
  fs::copy(directory_.path() / "penstock.db", elsewhere_.path() / "old.db");
  for (int round = 0; round < 2; ++round) {
    const auto store = open();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(store->commit(Turn{large_job("job-" + std::to_string(round) + "-" + std::to_string(i))}));
    }
  }
  fs::copy(elsewhere_.path() / "old.db", directory_.path() / "penstock.db", fs::copy_options::overwrite_existing);
  EXPECT_NE(refusal().find("is missing"), std::string::npos);
}

/// The store's thread does its work within this time; far more than it needs.
template <class Condition>
bool comes_true(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(LocalStoreTest, AFullDiskIsToldBeforeItIsTooLateAndRecovers) {
  apply_after_ = Millis{1};
  auto store = open();
  core::StoredState wanted;
  int number = 0;
  const auto commit_one = [&] {
    const core::JobAdded job = large_job("job-" + std::to_string(number++));
    const auto done = store->commit(Turn{job});
    if (done) wanted.jobs.push_back({job.request, job.state, nullptr, {}});
    return done.has_value();
  };
  ASSERT_TRUE(commit_one());
  {
    const FileSizeLimit limit(1U << 20);  // a segment; the tables grow beyond it
    int accepted = 0;
    while (store->has_room(kLargeBytes) && accepted < 100) {
      ASSERT_TRUE(commit_one()) << "no turn may fail while there is room";
      ++accepted;
      std::this_thread::yield();
    }
    // The store's thread gives way to whoever wants the processor, and may come to it late.
    EXPECT_TRUE(comes_true([&] { return !store->has_room(0); }));
    for (const core::StoredJob& job : wanted.jobs) {  // what is there can be read meanwhile
      const auto found = store->find_job(job.request.endpoint, job.request.id);
      ASSERT_TRUE(found && *found);
      expect_same_job(**found, job);
    }
  }
  EXPECT_TRUE(comes_true([&] { return store->has_room(kLargeBytes); }));
  ASSERT_TRUE(commit_one());
  expect_holds(*store, wanted);
  store.reset();
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, ALogThatCannotGrowIsToldBeforeATurnFails) {
  // With turns applied at once, the store's thread is too busy to make the next segment in time.
  for (const Millis apply_after : {Millis{0}, Millis{3'600'000}}) {
    LocalStoreOptions others = options();
    others.apply_after = apply_after;
    auto store = open_local_store(others, random_);
    ASSERT_TRUE(store);
    const fs::path obstacle = directory_.path() / "log" / "next";  // where a new segment would be made
    std::error_code taken;
    ASSERT_TRUE(comes_true([&] { return fs::create_directory(obstacle, taken) || fs::is_directory(obstacle, taken); }));
    int accepted = 0;
    for (; accepted < 60 && (*store)->has_room(kLargeBytes); ++accepted) {
      const std::string name = std::to_string(apply_after.count()) + "-" + std::to_string(accepted);
      ASSERT_TRUE((*store)->commit(Turn{large_job(name)}));
    }
    ASSERT_TRUE((*store)->commit(Turn{large_job("result")})) << "work in progress goes on";
    if (apply_after > Millis{0}) {
      EXPECT_LT(accepted, 20) << "no segment became free";
      EXPECT_FALSE((*store)->has_room(0));
    }
    fs::remove(obstacle);
    EXPECT_TRUE(comes_true([&] { return (*store)->has_room(kLargeBytes); }));
  }
}

TEST_F(LocalStoreTest, TurnsThatWereBegunWaitForSpaceAndAreLostToNobody) {
  auto store = open();
  std::atomic<int> durable = 0;
  core::StoredState wanted;
  {
    const FileSizeLimit limit(900'000);  // less than a segment
    for (int i = 0; i < 30; ++i) {
      const core::JobAdded job = large_job("job-" + std::to_string(i));
      wanted.jobs.push_back({job.request, job.state, nullptr, {}});
      store->commit_later(Turn{job}, [&](const Result<void>& done) {
        EXPECT_TRUE(done);
        ++durable;
      });
    }
    EXPECT_TRUE(comes_true([&] { return !store->has_room(0); }));
    EXPECT_LT(durable, 30);
  }
  EXPECT_TRUE(comes_true([&] { return durable == 30; }));
  EXPECT_TRUE(comes_true([&] { return store->has_room(0); }));
  expect_holds(*store, wanted);
  crash_to(elsewhere_.path() / "copy");
  store.reset();
  put_back(elsewhere_.path() / "copy");
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, WhatTheLogHasIsServedBeforeTheTablesHaveIt) {
  core::StoredState wanted;
  for (int round = 0; round < 4; ++round) {  // each crash leaves the log longer
    auto store = open();
    ASSERT_NE(store, nullptr);
    expect_holds(*store, wanted);  // settles; the next crash is a copy from before
    store.reset();
    store = open();
    const core::JobAdded job = large_job("job-" + std::to_string(round));
    ASSERT_TRUE(store->commit(Turn{job}));
    wanted.jobs.push_back({job.request, job.state, nullptr, {}});
    fs::remove_all(elsewhere_.path() / "copy");
    crash_to(elsewhere_.path() / "copy");
    store.reset();
    put_back(elsewhere_.path() / "copy");
  }
  expect_holds(*open(), wanted);
}

/// Crash after crash, and nothing ever gets from the log into the tables.
TEST_F(LocalStoreTest, TheLogIsKeptOverManyCrashes) {
  SeededRandom random(7);
  core::StoredState wanted;
  int number = 0;
  for (int round = 0; round < 12; ++round) {
    auto store = open();
    ASSERT_NE(store, nullptr) << "round " << round;
    const auto state = store->load();
    ASSERT_TRUE(state);
    ASSERT_EQ(state->jobs.size(), wanted.jobs.size()) << "round " << round;
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      const core::JobAdded job = large_job("job-" + std::to_string(number++));
      ASSERT_TRUE(store->commit(Turn{job}));
      wanted.jobs.push_back({job.request, job.state, nullptr, {}});
    }
    if (!wanted.jobs.empty() && random.below(2) == 0) {  // the oldest one ends
      core::StoredJob& job = wanted.jobs.front();
      job.state.status = core::JobStatus::completed;
      job.state.expires = from_ms(9'000'000'000'000);
      ASSERT_TRUE(store->commit(Turn{core::JobChanged{job.request.id, job.state, true, core::bytes("1")}}));
      wanted.jobs.erase(wanted.jobs.begin());
    }
    fs::remove_all(elsewhere_.path() / "copy");
    crash_to(elsewhere_.path() / "copy");
    store.reset();
    put_back(elsewhere_.path() / "copy");
  }
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, AStartOnAFullDiskUsesTheSegmentThatWasReady) {
  auto store = open();
  core::StoredState wanted;
  const core::JobAdded job = large_job("job-1");
  ASSERT_TRUE(store->commit(Turn{job}));
  wanted.jobs = {{job.request, job.state, nullptr, {}}};
  ASSERT_TRUE(comes_true([&] { return store->has_room(900'000); }));  // the next segment is there
  crash_to(elsewhere_.path() / "copy");
  store.reset();
  put_back(elsewhere_.path() / "copy");
  const fs::path obstacle = directory_.path() / "log" / "next";  // where a new segment would be made
  fs::create_directories(obstacle / "full");
  store = open();
  ASSERT_NE(store, nullptr);
  const auto state = store->load();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->jobs.size(), 1U);
  const core::JobAdded small = full_job("job-2", "ep-1");
  ASSERT_TRUE(store->commit(Turn{small}));
  wanted.jobs.push_back({small.request, small.state, nullptr, {}});
  store.reset();
  fs::remove_all(obstacle);
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, BatchesKeepTheirInputsAtAStart) {
  LocalStoreOptions others = options();
  others.load_input_bytes = 0;
  core::JobAdded job = full_job("job-1", "ep-1");
  job.request.webhook.clear();
  job.state.status = core::JobStatus::in_queue;
  core::JobAdded request = job;
  request.request.id = id<JobId>("job-2");
  request.request.batch = id<BatchId>("batch-1");
  core::JobAdded last = job;
  last.request.id = id<JobId>("job-3");
  {
    const auto store = open();
    job.request.batch = request.request.batch;
    last.request.batch = {};
    core::JobAdded first = last;
    first.request.id = id<JobId>("job-0");
    ASSERT_TRUE(store->commit(Turn{first, job, request, last}));
  }
  auto store = open_local_store(others, random_);
  ASSERT_TRUE(store);
  const auto state = (*store)->load();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->jobs.size(), 4U);
  for (const core::StoredJob& one : state->jobs) {
    if (!one.request.batch.empty()) EXPECT_TRUE(one.request.input) << one.request.id.str();
  }
  EXPECT_FALSE(state->jobs[3].request.input);
}

TEST_F(LocalStoreTest, AFinishedJobThatIsBegunAnewInTheLogComesFromTheTables) {
  core::JobAdded job = full_job("job-1", "ep-1");
  {
    const auto store = open();
    core::JobState ended = job.state;
    ended.status = core::JobStatus::failed;
    ended.expires = from_ms(9'000'000'000'000);
    ASSERT_TRUE(store->commit(Turn{job, core::JobChanged{job.request.id, ended, true, core::bytes("1")}}));
  }
  auto store = open();
  ASSERT_TRUE(store->load());
  job.state.status = core::JobStatus::in_queue;
  ASSERT_TRUE(store->commit(Turn{core::JobChanged{job.request.id, job.state, true, nullptr}}));
  crash_to(elsewhere_.path() / "copy");
  store.reset();
  put_back(elsewhere_.path() / "copy");
  core::StoredState wanted;
  wanted.jobs = {{job.request, job.state, nullptr, {}}};
  expect_holds(*open(), wanted);
}

TEST_F(LocalStoreTest, InputsAreReadFromLogAndTablesUpToTheBound) {
  for (const bool in_tables : {false, true}) {
    LocalStoreOptions others = options();
    others.load_input_bytes = 300'000;
    auto store = open_local_store(others, random_);
    ASSERT_TRUE(store);
    std::vector<JobId> jobs;
    for (int i = 0; i < 4; ++i) {
      core::JobAdded job = large_job((in_tables ? "a-" : "b-") + std::to_string(i));
      job.request.webhook.clear();
      job.request.batch = {};
      job.state.status = core::JobStatus::in_queue;
      jobs.push_back(job.request.id);
      ASSERT_TRUE((*store)->commit(Turn{job}));
    }
    if (in_tables) {
      const auto state = (*store)->load();
      ASSERT_TRUE(state);
      int with_input = 0;
      for (const core::StoredJob& job : state->jobs) with_input += job.request.input ? 1 : 0;
      EXPECT_LT(with_input, 4);
    }
    jobs.insert(jobs.begin() + 1, id<JobId>("unknown"));
    std::vector<core::JobInput> found;
    std::atomic<bool> answered = false;
    (*store)->read_inputs({id<EndpointId>("ep-1"), jobs, 450'000}, [&](Result<std::vector<core::JobInput>> all) {
      EXPECT_TRUE(all);
      found = std::move(*all);
      answered = true;
    });
    ASSERT_TRUE(comes_true([&] { return answered.load(); }));
    int there = 0;
    for (const core::JobInput& input : found) {
      there += input.input && input.input->size() == 200'000 ? 1 : 0;
      EXPECT_EQ(input.input == nullptr, input.job.str() == "unknown");
    }
    EXPECT_EQ(there, 3);
  }
}

TEST_F(LocalStoreTest, AfterAWriteThatFailedNothingIsSaidToBeDurable) {
  const auto store = open();
  std::atomic<int> durable = 0;
  std::atomic<int> refused = 0;
  {
    const FileSizeLimit limit(900'000);  // less than a segment
    for (int i = 0; i < 20; ++i) {
      store->commit_later(Turn{large_job("job-" + std::to_string(i))},
                          [&](const Result<void>& done) { ++(done ? durable : refused); });
    }
    EXPECT_FALSE(store->commit(Turn{}));
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(durable + refused, 20);
  EXPECT_FALSE(store->commit(Turn{full_job("job-later", "ep-1")})) << "there is a hole before it";
}

TEST_F(LocalStoreTest, CommittersWaitWhenTheTablesFallFarBehind) {
  LocalStoreOptions small = options();
  small.backlog_bytes_max = 1000;
  small.apply_after = Millis{20};
  auto store = open_local_store(small, random_);
  ASSERT_TRUE(store);
  core::StoredState wanted;
  for (int i = 0; i < 20; ++i) {
    const core::JobAdded job = full_job("job-" + std::to_string(i), "ep-1");
    ASSERT_TRUE((*store)->commit(Turn{job}));
    wanted.jobs.push_back({job.request, job.state, nullptr, {}});
  }
  expect_holds(**store, wanted);
}

}  // namespace
}  // namespace penstock::store::contract
