#include "launch/worker_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

class WorkerLogTest : public testing::Test {
 protected:
  WorkerLogTest() {
    std::string name = (fs::temp_directory_path() / "penstock-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  ~WorkerLogTest() override { fs::remove_all(directory_); }

  static WorkerId id(const std::string& text) { return WorkerId::parse(text).value(); }

  /// As a worker would: through a descriptor that appends.
  static void print(int descriptor, const std::string& text) {
    ASSERT_EQ(::write(descriptor, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  fs::path directory_;
};

TEST_F(WorkerLogTest, GivesTheLastLines) {
  const WorkerLogs logs(directory_ / "made", 1000);
  const int log = logs.open(id("w")).value();
  EXPECT_EQ(logs.tail(id("w"), 5).value(), Lines{});
  print(log, "one\n\nthree\nhalf");
  EXPECT_EQ(logs.tail(id("w"), 10).value(), (Lines{"one", "", "three", "half"}));
  EXPECT_EQ(logs.tail(id("w"), 2).value(), (Lines{"three", "half"}));
  EXPECT_EQ(logs.tail(id("w"), 0).value(), Lines{});
  print(log, " line\n");
  EXPECT_EQ(logs.tail(id("w"), 1).value(), Lines{"half line"});
  ::close(log);
}

TEST_F(WorkerLogTest, AnUnknownWorkerHasNoLog) {
  const WorkerLogs logs(directory_, 1000);
  const auto lines = logs.tail(id("w"), 1);
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().code, Errc::not_found);
}

TEST_F(WorkerLogTest, CutsALongLogAndTheWriterGoesOn) {
  const WorkerLogs logs(directory_, 1000);
  const int log = logs.open(id("w")).value();
  for (int i = 0; i < 100; ++i) print(log, "line number " + std::to_string(i + 100) + "\n");
  EXPECT_EQ(fs::file_size(logs.path(id("w"))), 1600U);
  logs.cut(id("w"));
  EXPECT_LE(fs::file_size(logs.path(id("w"))), 500U);
  print(log, "after\n");
  const Lines lines = logs.tail(id("w"), 1000).value();
  ASSERT_EQ(lines.size(), 32U);
  EXPECT_EQ(lines.front(), "line number 169");
  EXPECT_EQ(lines[30], "line number 199");
  EXPECT_EQ(lines.back(), "after");
  logs.cut(id("w"));
  EXPECT_EQ(logs.tail(id("w"), 1000).value(), lines);
  ::close(log);
}

TEST_F(WorkerLogTest, KeepsTheNewestLogsAndThoseOfTheLiving) {
  const WorkerLogs logs(directory_, 1000);
  for (int i = 0; i < 10; ++i) {
    const std::string name = "w" + std::to_string(i);
    ::close(logs.open(id(name)).value());
    fs::last_write_time(logs.path(id(name)), fs::file_time_type::clock::now() - std::chrono::minutes(i));
  }
  std::ofstream(directory_ / "notes.txt") << "not a log";
  logs.prune({id("w9")}, 3);
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(directory_)) left.insert(entry.path().filename());
  EXPECT_EQ(left, (std::set<std::string>{"notes.txt", "w0.log", "w1.log", "w2.log", "w9.log"}));
}

}  // namespace
}  // namespace penstock::launch
