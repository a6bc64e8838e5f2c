#include "host/gpus.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace penstock::host {
namespace {

TEST(FakeGpus, counts_pools_types_and_data_centres) {
  const auto nodes = parse_fake_gpus("4xAMPERE_80, 2xADA_24@EU-RO-1,1xNVIDIA A40");
  ASSERT_TRUE(nodes) << nodes.error().message;
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ((*nodes)[0].gpus.size(), 5u);
  EXPECT_EQ((*nodes)[0].gpus[4].type, "NVIDIA A40");
  EXPECT_EQ((*nodes)[0].gpus[4].pool, "AMPERE_48");
  EXPECT_EQ((*nodes)[0].gpus[4].index, 4);
  EXPECT_EQ((*nodes)[1].data_center, "EU-RO-1");
  EXPECT_TRUE((*nodes)[1].emulated);
}

TEST(FakeGpus, nonsense_is_refused_with_what_is_accepted) {
  for (const char* bad : {"AMPERE_80", "0xAMPERE_80", "-1xAMPERE_80", "2xNOPE", "x", "99999xADA_24", "2xADA_24,,3"}) {
    const auto nodes = parse_fake_gpus(bad);
    ASSERT_FALSE(nodes) << bad;
    EXPECT_TRUE(nodes.error().message.starts_with("fake GPUs:")) << nodes.error().message;
  }
}

TEST(Emulated, one_slot_per_core_in_every_pool) {
  const auto nodes = emulate(3);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].gpus.size(), 3 * core::gpu_pools().size());
  EXPECT_NE(describe(nodes).find("emulated"), std::string::npos);
}

TEST(DriverFolder, types_become_pools_and_strangers_are_named) {
  namespace fs = std::filesystem;
  const std::string folder = ::testing::TempDir() + "penstock_gpus_" + std::to_string(::getpid());
  const auto device = [&](const std::string& bus, const std::string& model) {
    fs::create_directories(folder + "/" + bus);
    std::ofstream(folder + "/" + bus + "/information") << "Model: \t\t " << model << "\nIRQ: 1\n";
  };
  device("0000:01:00.0", "NVIDIA H100 80GB HBM3");
  device("0000:02:00.0", "NVIDIA Strange 1");
  device("0000:03:00.0", "NVIDIA H100 80GB HBM3");
  std::vector<std::string> unknown;
  const auto nodes = read_driver_folder(folder, unknown);
  fs::remove_all(folder);
  ASSERT_EQ(nodes.size(), 1u);
  ASSERT_EQ(nodes[0].gpus.size(), 2u);
  EXPECT_EQ(nodes[0].gpus[1].index, 2);
  EXPECT_EQ(nodes[0].gpus[0].pool, "ADA_80_PRO");
  EXPECT_FALSE(nodes[0].emulated);
  EXPECT_EQ(unknown, std::vector<std::string>{"NVIDIA Strange 1"});
  EXPECT_TRUE(read_driver_folder("/nowhere", unknown).empty());
}

}  // namespace
}  // namespace penstock::host
