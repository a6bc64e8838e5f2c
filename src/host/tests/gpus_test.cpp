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
    std::ofstream(folder + "/" + bus + "/information")
        << "Model: \t\t " << model << "\nGPU UUID: \t GPU-" << bus << "\n";
  };
  device("0000:01:00.0", "NVIDIA H100 80GB HBM3");
  device("0000:02:00.0", "NVIDIA Strange 1");
  device("0000:03:00.0", "NVIDIA H100 80GB HBM3");
  const auto found = read_driver_folder(folder);
  fs::remove_all(folder);
  std::vector<std::string> unknown;
  const auto nodes = nodes_of(found, {}, unknown);
  ASSERT_EQ(nodes.size(), 1u);
  ASSERT_EQ(nodes[0].gpus.size(), 2u);
  EXPECT_EQ(nodes[0].gpus[1].index, 2);
  EXPECT_EQ(nodes[0].gpus[1].uuid, "GPU-0000:03:00.0");
  EXPECT_EQ(nodes[0].gpus[0].pool, "ADA_80_PRO");
  EXPECT_EQ(nodes[0].gpus[0].memory_mb, 80 * 1024) << "the pool's, where the driver does not say";
  EXPECT_FALSE(nodes[0].emulated);
  EXPECT_EQ(unknown, std::vector<std::string>{"NVIDIA Strange 1"});
  EXPECT_TRUE(read_driver_folder("/nowhere").gpus.empty());
}

TEST(Pools, can_be_said_for_types_of_ones_own_and_changed) {
  core::GpuReadings found;
  found.gpus = {{0, "GPU-a", "NVIDIA Strange 1", 20'000, {}, {}, {}, ""},
                {1, "GPU-b", "NVIDIA A40", 46'068, {}, {}, {}, ""},
                {2, "GPU-c", "GeForce RTX 3090", 24'576, {}, {}, {}, ""}};
  std::vector<std::string> unknown;
  const auto nodes = nodes_of(found, {{"NVIDIA Strange 1", "AMPERE_16"}, {"NVIDIA A40", "ADA_48_PRO"}}, unknown);
  ASSERT_EQ(nodes.size(), 1u);
  ASSERT_EQ(nodes[0].gpus.size(), 3u);
  EXPECT_EQ(nodes[0].gpus[0].pool, "AMPERE_16");
  EXPECT_EQ(nodes[0].gpus[1].pool, "ADA_48_PRO");
  EXPECT_EQ(nodes[0].gpus[2].type, "NVIDIA GeForce RTX 3090") << "as clients name it";
  EXPECT_TRUE(unknown.empty());
}

}  // namespace
}  // namespace penstock::host
