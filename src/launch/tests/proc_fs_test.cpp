#include "launch/proc_fs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace penstock::launch {
namespace {

TEST(ProcFs, ReadsALineWhoseNameIsHostile) {
  const auto stat = parse_stat(
      "4711 (a) R 1 (b) Z) S 12 4711 4700 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 1000 200 "
      "18446744073709551615");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 4711);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 12);
  EXPECT_EQ(stat->session, 4700);
  EXPECT_EQ(stat->start_ticks, 987654321U);
}

TEST(ProcFs, RefusesOtherText) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("4711 (cut short) S 12 4711"));
  EXPECT_FALSE(parse_stat("x (name) S 12 4711 4700 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321"));
  EXPECT_FALSE(parse_stat(") ( 1"));
}

TEST(ProcFs, FindsThisProcess) {
  const auto stat = read_stat(::getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_EQ(stat->session, ::getsid(0));
  const auto all = list_processes();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const ProcessStat& process) {
    return process.pid == ::getpid() && process.start_ticks == stat->start_ticks;
  }));
}

TEST(ProcFs, AHandleComesBack) {
  const ProcessHandle handle{4711, 987654321, boot_id()};
  EXPECT_FALSE(handle.boot.empty());
  const auto back = ProcessHandle::parse(handle.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->pid, 4711);
  EXPECT_EQ(back->start_ticks, 987654321U);
  EXPECT_EQ(back->boot, handle.boot);
}

TEST(ProcFs, OtherTextsAreNoHandles) {
  for (const char* text : {"", "1", "1:2", "1:2:", "x:2:b", "1:x:b", "0:2:b", "-1:2:b", "1 :2:b", "::"}) {
    EXPECT_FALSE(ProcessHandle::parse(text)) << text;
  }
}

}  // namespace
}  // namespace penstock::launch
