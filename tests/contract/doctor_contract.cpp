// What `penstock doctor` finds, saves and says: for each way in which a killed server's files can be damaged,
// everything before the damage is kept, the loss is named, and the store opens again.

#include "store/doctor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <thread>

#include "store/local_store.h"
#include "store/log/frame.h"
#include "store/log/log_reader.h"
#include "store_samples.h"
#include "temporary_directory.h"

namespace penstock::store::contract {
namespace {

namespace fs = std::filesystem;

constexpr int kTurns = 60;
const Time kNow = *parse_iso8601("2026-11-27T09:15:00Z");

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class Doctor : public testing::Test {
 protected:
  /// Turns 1 to kTurns, one job each, in several segments, as a kill leaves them: only in the log.
  void SetUp() override {
    const fs::path live = elsewhere_.path() / "live";
    LocalStoreOptions options{(live / "penstock.db").string(), (live / "log").string(), {}};
    fs::create_directories(live);
    options.log.segment_bytes = 256U << 10;
    options.apply_after = Millis{3'600'000};
    options.apply_bytes = 1U << 30;
    auto store = open_local_store(options, random_);
    ASSERT_TRUE(store) << store.error().message;
    for (int n = 1; n <= kTurns; ++n) {
      core::JobAdded job = full_job(name(n), "ep-1");
      job.request.input = core::bytes(std::string(20'000, 'x'));
      ASSERT_TRUE((*store)->commit({core::Record(job)}));
    }
    // The store's thread makes the next segment ahead: a file must not change its name while it is copied.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!has_spare_segment(options.log_directory)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
    fs::copy(live, directory_.path(), fs::copy_options::recursive);
    ASSERT_GT(segments().size(), 3U);
  }

  static bool has_spare_segment(const std::string& log_directory) {
    const auto all = *list_segments(log_directory);
    const std::string last = all.empty() ? "" : read_file(all.back().path);
    return last.size() > kBlockBytes + kFrameHeadBytes &&
           last.substr(kBlockBytes, kFrameHeadBytes).find_first_not_of('\0') == std::string::npos;
  }

  static std::string name(int turn) { return "job-" + std::to_string(turn); }

  DataFiles files() const {
    return {(directory_.path() / "penstock.db").string(), (directory_.path() / "log").string()};
  }
  std::vector<SegmentFile> segments() const { return *list_segments(files().log_directory); }

  Result<std::unique_ptr<Store>> open() {
    return open_local_store({files().database, files().log_directory, {}}, random_);
  }

  /// Where the turn's frame starts, and in which segment.
  std::pair<SegmentFile, std::size_t> place_of(std::uint64_t turn) const {
    for (const SegmentFile& segment : segments()) {
      const std::string bytes = read_file(segment.path);
      const std::uint64_t log = read_segment_block(bytes)->log;
      std::size_t at = kBlockBytes;
      for (auto frame = read_frame(bytes, at, log); frame; frame = read_frame(bytes, at, log)) {
        if (frame->sequence == turn) return {segment, at};
        at += frame->size;
      }
    }
    ADD_FAILURE() << "turn " << turn << " is not there";
    return {};
  }

  void flip_bit_in(std::uint64_t turn) const {
    const auto [segment, at] = place_of(turn);
    std::string bytes = read_file(segment.path);
    bytes[at + 100] ^= 4;
    write_file(segment.path, bytes);
  }

  Repair expect_repaired() {
    const Examination before = examine(files());
    EXPECT_FALSE(before.problems.empty());
    const auto refused = open();
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_NE(refused.error().message.find("penstock doctor"), std::string::npos);
    auto done = repair(files(), kNow);
    EXPECT_TRUE(done) << done.error().message;
    const Examination after = examine(files());
    EXPECT_TRUE(after.problems.empty()) << after.problems.front();
    return done ? *done : Repair{};
  }

  /// Jobs 1 to `count` and no other, and new ones can come.
  void expect_jobs(int count) {
    auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    const auto state = (*store)->load();
    ASSERT_TRUE(state);
    ASSERT_EQ(state->jobs.size(), static_cast<std::size_t>(count));
    for (int n = 1; n <= count; ++n) EXPECT_EQ(state->jobs[n - 1].request.id.str(), name(n));
    ASSERT_TRUE((*store)->commit({core::Record(full_job("job-new", "ep-1"))}));
    store->reset();
    EXPECT_TRUE((*open())->find_job(*EndpointId::parse("ep-1"), *JobId::parse("job-new"))->has_value());
  }

  static void expect_lost_jobs(const Repair& done, int first, int last) {
    std::set<std::string> wanted;
    std::set<std::string> told;
    for (int n = first; n <= last; ++n) wanted.insert(name(n));
    for (const LostChange& change : done.jobs) {
      told.insert(change.job);
      EXPECT_EQ(change.what, "submitted to ep-1");
    }
    EXPECT_EQ(told, wanted);
  }

  TemporaryDirectory directory_;
  TemporaryDirectory elsewhere_;
  SystemRandom random_;
};

TEST_F(Doctor, FindsNothingWrongAfterAKill) {
  const Examination found = examine(files());
  EXPECT_TRUE(found.problems.empty()) << found.problems.front();
  EXPECT_EQ(found.last, kTurns);
  EXPECT_EQ(found.tables.position.applied, 0U);
  EXPECT_EQ(found.tables.schema, found.schema_known);
  EXPECT_EQ(found.segments, segments().size());
  expect_jobs(kTurns);
}

TEST_F(Doctor, RepairOfWhatIsWholeLosesNothing) {
  const auto done = repair(files(), kNow);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->is_anything_lost);
  EXPECT_EQ(done->brought, kTurns);
  EXPECT_EQ(done->moved_to, "");
  expect_jobs(kTurns);
}

TEST_F(Doctor, SavesWhatIsBeforeAFlippedBitAndNamesTheRest) {
  flip_bit_in(20);
  const Examination found = examine(files());
  ASSERT_EQ(found.problems.size(), 1U);
  const auto [segment, at] = place_of(19);
  EXPECT_NE(found.problems[0].find(segment.path), std::string::npos) << found.problems[0];
  EXPECT_NE(found.problems[0].find("at offset"), std::string::npos) << found.problems[0];
  const Repair done = expect_repaired();
  EXPECT_TRUE(done.is_anything_lost);
  EXPECT_EQ(done.brought, 19U);
  EXPECT_EQ(done.lost_from, 20U);
  EXPECT_EQ(done.lost_through, kTurns);
  EXPECT_EQ(done.readable, kTurns - 20U);
  EXPECT_GT(done.lost_bytes, 41U * 20'000);
  EXPECT_LT(done.lost_bytes, 41U * 22'000);
  expect_lost_jobs(done, 21, kTurns);
  EXPECT_EQ(done.moved_to, files().log_directory + "/damaged-20261127T091500Z");
  for (const std::string& file : done.moved) EXPECT_TRUE(fs::exists(done.moved_to + "/" + file));
  expect_jobs(19);
}

TEST_F(Doctor, ATornLastTurnIsNoDamage) {
  flip_bit_in(kTurns);
  EXPECT_TRUE(examine(files()).problems.empty());
  expect_jobs(kTurns - 1);
}

TEST_F(Doctor, SavesWhatIsBeforeAMissingSegment) {
  const auto gone = segments()[1];
  fs::remove(gone.path);
  const Repair done = expect_repaired();
  EXPECT_GT(done.brought, 0U);
  EXPECT_EQ(done.lost_from, done.brought + 1);
  EXPECT_EQ(done.lost_through, kTurns);
  expect_jobs(static_cast<int>(done.brought));
}

TEST_F(Doctor, SavesWhatIsBeforeAMissingLastSegment) {
  const auto all = segments();
  const Examination whole = examine(files());
  const bool has_next = place_of(kTurns).first.path != all.back().path;
  ASSERT_TRUE(has_next) << "the store's thread makes the next segment ahead";
  fs::remove(all[all.size() - 2].path);
  const Repair done = expect_repaired();
  EXPECT_TRUE(done.is_anything_lost);
  EXPECT_EQ(done.lost_from, done.brought + 1);
  EXPECT_LT(done.brought, whole.last);
  EXPECT_EQ(done.lost_through, 0U);  // nothing says how many there were
  expect_jobs(static_cast<int>(done.brought));
}

TEST_F(Doctor, SavesWhatIsBeforeADamagedFirstBlock) {
  const auto damaged = segments()[2];
  std::string bytes = read_file(damaged.path);
  bytes[20] ^= 1;
  write_file(damaged.path, bytes);
  const Repair done = expect_repaired();
  EXPECT_EQ(done.lost_through, kTurns);
  expect_lost_jobs(done, static_cast<int>(done.lost_from), kTurns);
  expect_jobs(static_cast<int>(done.brought));
}

TEST_F(Doctor, SavesWhatIsBeforeASegmentInTheWrongPlace) {
  const auto all = segments();
  fs::remove(all[1].path);
  fs::rename(all[2].path, all[1].path);
  const Repair done = expect_repaired();
  expect_jobs(static_cast<int>(done.brought));
}

TEST_F(Doctor, AMissingLogIsALossOfUnknownSize) {
  fs::remove_all(files().log_directory);
  const Repair done = expect_repaired();
  EXPECT_TRUE(done.is_anything_lost);
  EXPECT_EQ(done.lost_from, 1U);
  EXPECT_EQ(done.lost_through, 0U);
  expect_jobs(0);
}

TEST_F(Doctor, MissingTablesAreMadeAnewFromALogThatIsThereFromTheStart) {
  for (const char* part : {"", "-journal"}) fs::remove(files().database + part);
  const Examination found = examine(files());
  ASSERT_FALSE(found.problems.empty());
  EXPECT_NE(found.problems[0].find("is missing"), std::string::npos);
  const auto done = repair(files(), kNow);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->is_anything_lost);
  EXPECT_EQ(done->brought, kTurns);
  expect_jobs(kTurns);
}

TEST_F(Doctor, ALogOfOtherTablesIsMovedAside) {
  TemporaryDirectory other;
  LocalStoreOptions options{(other.path() / "penstock.db").string(), (other.path() / "log").string(), {}};
  ASSERT_TRUE((*open_local_store(options, random_))->commit({core::Record(full_job("job-other", "ep-1"))}));
  fs::remove_all(other.path() / "log");
  fs::copy(files().log_directory, other.path() / "log", fs::copy_options::recursive);
  fs::remove_all(directory_.path());
  fs::copy(other.path(), directory_.path(), fs::copy_options::recursive);
  const Repair done = expect_repaired();
  EXPECT_GT(done.moved.size(), 3U);
  EXPECT_TRUE(segments().empty());
  EXPECT_TRUE((*open())->find_job(*EndpointId::parse("ep-1"), *JobId::parse("job-other"))->has_value());
}

TEST_F(Doctor, SaysWhereTheTablesAreDamaged) {
  ASSERT_TRUE(repair(files(), kNow));
  std::string bytes = read_file(files().database);
  bytes.replace(bytes.size() / 2, 8192, 8192, '\x5a');
  write_file(files().database, bytes);
  const Examination found = examine(files());
  ASSERT_EQ(found.problems.size(), 1U);
  EXPECT_NE(found.problems[0].find(files().database), std::string::npos);
  const auto done = repair(files(), kNow);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("restore a backup"), std::string::npos) << done.error().message;
}

}  // namespace
}  // namespace penstock::store::contract
