#include <gtest/gtest.h>

#include "core/control/gpu_pools.h"

namespace penstock::core {
namespace {

using Names = std::vector<std::string>;

struct Accepted {
  const char* text;
  Names pools;
  Names excluded;
  const char* stored;
};

TEST(GpuIds, AreParsedAndKeptVerbatim) {
  const Accepted cases[] = {
      {"AMPERE_16", {"AMPERE_16"}, {}, "AMPERE_16"},
      {"ADA_24, AMPERE_80 ", {"ADA_24", "AMPERE_80"}, {}, "ADA_24,AMPERE_80"},
      {"AMPERE_80,ADA_24", {"AMPERE_80", "ADA_24"}, {}, "AMPERE_80,ADA_24"},
      {"AMPERE_16,-NVIDIA RTX A4500", {"AMPERE_16"}, {"NVIDIA RTX A4500"}, "AMPERE_16,-NVIDIA RTX A4500"},
      {"-NVIDIA RTX A4500 ,AMPERE_16", {"AMPERE_16"}, {"NVIDIA RTX A4500"}, "-NVIDIA RTX A4500,AMPERE_16"},
      {"AMPERE_16,AMPERE_16", {"AMPERE_16", "AMPERE_16"}, {}, "AMPERE_16,AMPERE_16"},
      {",,AMPERE_16,,", {"AMPERE_16"}, {}, "AMPERE_16"},
      {"ADA_24,-No such GPU", {"ADA_24"}, {"No such GPU"}, "ADA_24,-No such GPU"},
      {"AMPERE_48,-NVIDIA RTX A6000", {"AMPERE_48"}, {"NVIDIA RTX A6000"}, "AMPERE_48,-NVIDIA RTX A6000"},
      {"", {}, {}, ""},
      {" , ", {}, {}, ""},
  };
  for (const Accepted& c : cases) {
    const auto parsed = parse_gpu_ids(c.text);
    ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->pools, c.pools) << c.text;
    EXPECT_EQ(parsed->excluded_types, c.excluded) << c.text;
    EXPECT_EQ(parsed->text, c.stored) << c.text;
  }
}

TEST(GpuIds, AnUnknownPoolIsNamedWithAllThatExist) {
  const auto refused = parse_gpu_ids("NVIDIA A40");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_EQ(
      refused.error().message,
      "Invalid GPU Pool ID: \"NVIDIA A40\". The gpuIds field accepts a comma-separated list of GPU pool IDs (e.g. "
      "\"ADA_24,AMPERE_80\"). Valid pool IDs: AMPERE_16, AMPERE_24, ADA_24, ADA_32_PRO, AMPERE_48, ADA_48_PRO, "
      "AMPERE_80, ADA_80_PRO, BLACKWELL_96, HOPPER_141, BLACKWELL_180.");
}

TEST(GpuIds, OtherTextIsRefused) {
  for (const char* bad : {"ampere_16", "AMPERE_16;ADA_24", "any", "AMPERE_16,unknown", "AMPERE 16"}) {
    EXPECT_FALSE(parse_gpu_ids(bad)) << bad;
  }
}

TEST(GpuIds, SomethingMustBeLeft) {
  for (const char* nothing : {"ADA_24,-NVIDIA GeForce RTX 4090", "-NVIDIA GeForce RTX 4090",
                              "AMPERE_48,-NVIDIA A40,-NVIDIA RTX A6000", "-"}) {
    const auto refused = parse_gpu_ids(nothing);
    ASSERT_FALSE(refused) << nothing;
    EXPECT_NE(refused.error().message.find("leaves no GPU type"), std::string::npos) << refused.error().message;
  }
  EXPECT_TRUE(parse_gpu_ids("AMPERE_48,-NVIDIA A40,-NVIDIA RTX A6000,ADA_24"));
}

TEST(GpuPools, AreEleven) {
  EXPECT_EQ(gpu_pools().size(), 11u);
  for (const GpuPool& pool : gpu_pools()) {
    EXPECT_EQ(find_gpu_pool(pool.id), &pool);
    EXPECT_GT(pool.memory_gb, 0);
    EXPECT_FALSE(pool.gpu_types.empty());
    for (const auto type : pool.gpu_types) EXPECT_EQ(pool_of_gpu_type(type), &pool) << type;
  }
  EXPECT_EQ(find_gpu_pool("ada_24"), nullptr);
  EXPECT_EQ(pool_of_gpu_type("NVIDIA T4"), nullptr);
  EXPECT_EQ(pool_of_gpu_type("NVIDIA RTX A4000")->id, "AMPERE_16");
}

}  // namespace
}  // namespace penstock::core
