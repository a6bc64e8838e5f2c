#include "server/presence.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace penstock::server {
namespace {

struct PresenceTest : testing::Test {
  void SetUp() override { std::remove(file.c_str()); }
  void TearDown() override { std::remove(file.c_str()); }

  const std::string file = testing::TempDir() + "penstock_presence_" + std::to_string(::getpid());
};

TEST_F(PresenceTest, TheFirstServerWasNeverAway) {
  EXPECT_TRUE(Presence(file).begin(from_ms(1'000)).empty());
}

TEST_F(PresenceTest, EveryAbsenceIsKnownAlsoOfAClockThatWentBack) {
  {
    Presence first(file);
    first.begin(from_ms(1'000));
    first.note(from_ms(6'000));
  }
  {
    Presence second(file);
    const auto all = second.begin(from_ms(9'000));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].from, from_ms(6'000));
    EXPECT_EQ(all[0].to, from_ms(9'000));
  }
  const auto all = Presence(file).begin(from_ms(4'000));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].from, from_ms(9'000));
  EXPECT_EQ(all[1].to, from_ms(4'000));
}

TEST_F(PresenceTest, TheListIsBounded) {
  for (int i = 1; i < 150; ++i) Presence(file).begin(from_ms(i * 1'000));
  EXPECT_EQ(Presence(file).begin(from_ms(150'000)).size(), 100U);
}

TEST_F(PresenceTest, AFileThatCannotBeReadIsAsNone) {
  std::ofstream(file) << "what is this";
  Presence presence(file);
  EXPECT_TRUE(presence.begin(from_ms(1'000)).empty());
}

}  // namespace
}  // namespace penstock::server
