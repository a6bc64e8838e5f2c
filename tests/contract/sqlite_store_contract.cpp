// What holds for the SQLite store alone: crashes, full disks, files that are not for this program.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "failures.h"
#include "store/log/record_codec.h"
#include "store/schema.h"
#include "store/sqlite_store.h"
#include "store_samples.h"
#include "temporary_directory.h"

namespace penstock::store::contract {
namespace {

using Turn = std::vector<core::Record>;

class SqliteStoreTest : public testing::Test {
 protected:
  std::string file() const { return (directory_.path() / "penstock.db").string(); }

  std::unique_ptr<SqliteStore> open() {
    auto opened = open_sqlite_store(file());
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  std::string refusal() {
    const auto opened = open_sqlite_store(file());
    EXPECT_FALSE(opened);
    if (opened) return "";
    EXPECT_EQ(opened.error().code, Errc::unavailable);
    EXPECT_NE(opened.error().message.find(file()), std::string::npos) << opened.error().message;
    return opened.error().message;
  }

  void execute(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  TemporaryDirectory directory_;
};

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(SqliteStoreTest, ASecondServerIsRefused) {
  const auto first = open();
  EXPECT_TRUE(mentions(refusal(), "in use by another process"));
  const auto done = first->commit(Turn{core::AccountSaved{account("acc-1")}});
  EXPECT_TRUE(done) << done.error().message;
}

TEST_F(SqliteStoreTest, ASecondProcessIsRefused) {
  const auto first = open();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto opened = open_sqlite_store(file());
    ::_exit(!opened && mentions(opened.error().message, "in use by another process") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SqliteStoreTest, ANewerSchemaIsRefusedAndLeftAlone) {
  open().reset();
  execute("PRAGMA user_version = 1000");
  EXPECT_TRUE(mentions(refusal(), "newer version of penstock (schema 1000"));
  execute("PRAGMA user_version = " + std::to_string(schema_version()));
  EXPECT_NE(open(), nullptr);
}

TEST_F(SqliteStoreTest, AFileOfTheFirstSchemaIsBroughtUpToDate) {
  core::StoredState wanted;
  wanted.accounts = {account("acc-1")};
  wanted.accounts[0].pub_key.clear();
  wanted.accounts[0].webhook_secret.clear();
  wanted.accounts[0].webhook_secret_before.clear();
  wanted.accounts[0].webhook_secret_since = {};
  wanted.templates = {full_template("tpl-1")};
  wanted.templates[0].config.clear();
  wanted.templates[0].port_names.clear();
  wanted.endpoints = {full_endpoint("ep-1")};
  wanted.endpoints[0].volumes.clear();
  wanted.endpoints[0].model_references.clear();
  wanted.endpoints[0].retention_async_s.reset();
  wanted.endpoints[0].retention_sync_s.reset();
  core::JobAdded low = full_job("job-1", "ep-1");
  low.request.traceparent.clear();
  low.request.idempotency_key.clear();
  low.request.webhook.clear();
  low.request.batch = {};
  wanted.jobs = {core::StoredJob{low.request, low.state, nullptr, {}}};
  ASSERT_TRUE(open()->commit(Turn{core::AccountSaved{wanted.accounts[0]}, core::TemplateSaved{wanted.templates[0]},
                                  core::EndpointSaved{wanted.endpoints[0]}, low}));
  for (const char* later : {"network_volumes", "secrets", "registry_credentials", "log_position", "webhook_deliveries",
                            "webhook_payloads", "batches", "gpu_marks", "releases", "usage", "budgets", "places"}) {
    execute(std::string("DROP TABLE ") + later);
  }
  for (const char* later :
       {"accounts DROP COLUMN pub_key", "templates DROP COLUMN config", "templates DROP COLUMN port_names",
        "endpoints DROP COLUMN volumes", "endpoints DROP COLUMN retention_async_s",
        "endpoints DROP COLUMN retention_sync_s", "endpoints DROP COLUMN model_references", "jobs DROP COLUMN priority",
        "jobs DROP COLUMN traceparent", "jobs ADD COLUMN low_priority INTEGER NOT NULL DEFAULT 1",
        "accounts DROP COLUMN webhook_secret", "accounts DROP COLUMN webhook_secret_before",
        "accounts DROP COLUMN webhook_secret_since_ms", "jobs DROP COLUMN webhook", "workers DROP COLUMN gpu_uuids",
        "counters DROP COLUMN last_request_ms"}) {
    execute(std::string("ALTER TABLE ") + later);
  }
  for (const char* later : {"start_kind", "start_decided_ms", "start_placed_ms", "start_launched_ms", "start_up_ms",
                            "start_polled_ms", "start_job_ms", "frozen_ms", "gpu_parked"}) {
    execute(std::string("ALTER TABLE workers DROP COLUMN ") + later);
  }
  execute("DROP INDEX jobs_by_created; CREATE INDEX jobs_by_endpoint ON jobs (endpoint)");
  execute("DROP INDEX jobs_by_batch; ALTER TABLE jobs DROP COLUMN batch");
  execute("DROP INDEX jobs_by_key; ALTER TABLE jobs DROP COLUMN idempotency_key");
  execute("PRAGMA user_version = 1");
  expect_holds(*open(), wanted);
  wanted.volumes = {volume("vol-1")};
  ASSERT_TRUE(open()->commit(Turn{core::VolumeSaved{wanted.volumes[0]}}));
  expect_holds(*open(), wanted);
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsRefusedAndLeftAlone) {
  execute("CREATE TABLE theirs (a)");
  EXPECT_TRUE(mentions(refusal(), "another program"));
  execute("INSERT INTO theirs VALUES (1)");
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(file()) << std::string(20000, 'x');
  EXPECT_TRUE(mentions(refusal(), "is damaged"));
}

TEST_F(SqliteStoreTest, ADamagedPageIsReported) {
  {
    const auto store = open();
    core::JobAdded job = bare_job("job-1", "ep-1");
    for (int i = 0; i < 200; ++i) {
      job.request.id = id<JobId>("job-" + std::to_string(i));
      job.request.input = core::bytes(std::string(1500, 'x'));
      ASSERT_TRUE(store->commit(Turn{job}));
    }
  }
  {
    std::fstream raw(file(), std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(0, std::ios::end);
    const auto size = static_cast<long>(raw.tellp());
    for (long page = size / 4 * 3 / 4096;  // behind the schema
         page < size / 4096; ++page) {
      raw.seekp(page * 4096);
      raw << std::string(64, '\x5a');
    }
  }
  const auto store = open();
  const auto state = store->load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::unavailable);
  EXPECT_TRUE(mentions(state.error().message, "is damaged")) << state.error().message;
  EXPECT_FALSE(mentions(state.error().message, "-journal")) << state.error().message;
  std::filesystem::remove(file() + "-journal");
  EXPECT_TRUE(mentions(store->load().error().message, "its journal " + file() + "-journal is not there"));
}

TEST_F(SqliteStoreTest, AnEditedValueThatCannotBeIsReportedWithItsColumn) {
  ASSERT_TRUE(open()->commit(Turn{bare_job("job-1", "ep-1")}));
  execute("UPDATE jobs SET status = 'LOST'");
  const auto found = open()->find_job(id<EndpointId>("ep-1"), id<JobId>("job-1"));
  ASSERT_FALSE(found);
  EXPECT_FALSE(mentions(found.error().message, "-journal")) << found.error().message;
  EXPECT_TRUE(mentions(found.error().message, "column status holds \"LOST\"")) << found.error().message;
}

TEST_F(SqliteStoreTest, AMissingDirectoryIsNamed) {
  const auto opened = open_sqlite_store((directory_.path() / "missing" / "penstock.db").string());
  ASSERT_FALSE(opened);
  EXPECT_TRUE(mentions(opened.error().message, "missing/penstock.db cannot be opened: No such file or directory"));
}

TEST_F(SqliteStoreTest, AWriteAheadLogThatAnEarlierVersionLeftIsBroughtIn) {
  ASSERT_TRUE(open()->commit(Turn{core::AccountSaved{account("acc-1")}}));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  const char* const change = "PRAGMA journal_mode = WAL; UPDATE accounts SET email = 'new@example.com'";
  EXPECT_EQ(sqlite3_exec(db, change, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  const TemporaryDirectory killed;
  const std::string copy = (killed.path() / "penstock.db").string();
  for (const char* suffix : {"", "-wal"}) std::filesystem::copy_file(file() + suffix, copy + suffix);
  sqlite3_close(db);

  const auto store = open_sqlite_store(copy);
  ASSERT_TRUE(store) << store.error().message;
  const auto state = (*store)->load();
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_EQ(state->accounts.size(), 1U);
  EXPECT_EQ(state->accounts[0].email, "new@example.com");
  EXPECT_FALSE(std::filesystem::exists(copy + "-wal"));
}

TEST_F(SqliteStoreTest, OnlyTheOwnerMayReadTheFiles) {
  const auto store = open();
  ASSERT_TRUE(store->commit(Turn{core::AccountSaved{account("acc-1")}}));
  for (const char* suffix : {"", "-journal"}) {
    struct stat info{};
    ASSERT_EQ(::stat((file() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
  }
}

core::JobAdded large_job(const std::string& name) {
  core::JobAdded job = full_job(name, "ep-1");
  job.request.input = core::bytes(std::string(200'000, 'x'));
  return job;
}

TEST_F(SqliteStoreTest, AFullDiskLosesNothingAndRecovers) {
  core::StoredState wanted;
  auto store = open();
  const auto keep = [&](const core::JobAdded& job) { wanted.jobs.push_back({job.request, job.state, nullptr, {}}); };
  const core::JobAdded first = large_job("job-first");
  ASSERT_TRUE(store->commit(Turn{first}));
  keep(first);

  Error refused;
  {
    const FileSizeLimit limit(2'000'000);
    for (int i = 0; i < 100 && refused.message.empty(); ++i) {
      const core::JobAdded a = large_job("job-a" + std::to_string(i));
      const core::JobAdded b = large_job("job-b" + std::to_string(i));
      const auto done = store->commit(Turn{a, b, core::AccountSaved{account("acc-1")}});
      if (!done) {
        refused = done.error();
      } else {
        wanted.accounts = {account("acc-1")};
        keep(a);
        keep(b);
      }
    }
  }
  EXPECT_EQ(refused.code, Errc::unavailable);
  EXPECT_TRUE(mentions(refused.message, file())) << refused.message;
  EXPECT_GT(wanted.jobs.size(), 2U);
  expect_holds(*store, wanted);

  const core::JobAdded last = large_job("job-last");
  ASSERT_TRUE(store->commit(Turn{last}));
  keep(last);
  store.reset();
  expect_holds(*open(), wanted);
}

/// Of which the first few find room on the disk.
void expect_applied_whole_or_not_at_all(SqliteStore& store, std::size_t jobs, std::size_t input_bytes) {
  const auto job = [&](const std::string& name) {
    core::JobAdded added = full_job(name, "ep-1");
    added.request.input = core::bytes(std::string(input_bytes, 'x'));
    return encode(Turn{added});
  };
  const SharedTurn first = job("job-first");
  ASSERT_TRUE(store.apply({&first, 1}, {7, 1, true}));
  std::vector<SharedTurn> turns;
  for (std::size_t i = 0; i < jobs; ++i) turns.push_back(job("job-" + std::to_string(i)));
  {
    const FileSizeLimit limit(4'000'000);
    EXPECT_FALSE(store.apply(turns, {7, jobs + 1, true}));
  }
  const auto position = store.log_position();
  ASSERT_TRUE(position);
  EXPECT_EQ(position->applied, 1U);
  EXPECT_EQ(store.load()->jobs.size(), 1U);
  ASSERT_TRUE(store.apply(turns, {7, jobs + 1, true}));
  EXPECT_EQ(store.load()->jobs.size(), jobs + 1);
}

TEST_F(SqliteStoreTest, WhatCannotBeAppliedWholeIsNotThereAtAll) {
  expect_applied_whole_or_not_at_all(*open(), 60, 200'000);
}

TEST_F(SqliteStoreTest, NorIsItOfRowsThatAreAddedSeveralAtOnce) {
  expect_applied_whole_or_not_at_all(*open(), 20'000, 1'000);
}

/// True when the reader found the first of the jobs that another thread applies, and then not the last.
bool reads_in_the_midst(SqliteStore& store, const std::string& prefix, bool in_haste) {
  constexpr int kJobs = 10'000;
  const auto name = [&](int i) { return prefix + "-" + std::to_string(i); };
  std::vector<SharedTurn> turns;
  for (int i = 0; i < kJobs; ++i) turns.push_back(encode(Turn{bare_job(name(i), "ep-1")}));
  const auto has = [&](int i) { return store.find_job(id<EndpointId>("ep-1"), id<JobId>(name(i)))->has_value(); };
  std::thread writer([&] { EXPECT_TRUE(store.apply(turns, {7, 1, true}, [&] { return in_haste; })); });
  while (!has(0)) std::this_thread::yield();
  const bool in_the_midst = !has(kJobs - 1);
  writer.join();
  EXPECT_TRUE(has(kJobs - 1));
  return in_the_midst;
}

TEST_F(SqliteStoreTest, AReaderNeedNotWaitForTheWholeTransaction) {
  const auto store = open();
  for (const bool in_haste : {true, false}) {
    bool seen = false;  // a machine with much else to do may stop the reader for as long as the writer needs
    for (int round = 0; round < 20 && !seen; ++round) {
      seen = reads_in_the_midst(*store, fmt::format("job-{}-{}", in_haste, round), in_haste);
    }
    EXPECT_TRUE(seen) << in_haste;
  }
}

TEST_F(SqliteStoreTest, NoAcknowledgedTurnIsLostByKill9AndNoneIsHalf) {
  expect_survives_kill9([this] { return open_sqlite_store(file()); });
}

}  // namespace
}  // namespace penstock::store::contract
