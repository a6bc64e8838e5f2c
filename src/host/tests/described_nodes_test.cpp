#include <gtest/gtest.h>

#include "host/gpus.h"

namespace penstock::host {
namespace {

core::GpuReadings four_a40() {
  core::GpuReadings out;
  out.driver_version = "550.54.14";
  out.cuda_version = "12.4";
  for (int i = 0; i < 4; ++i) out.gpus.push_back({i, "GPU-" + std::to_string(i), "NVIDIA A40", 46'068, {}, {}, {}, ""});
  return out;
}

std::string refusal(const std::vector<NodeTexts>& texts, const core::GpuReadings& found = {}) {
  const auto nodes = describe_nodes(texts, found, {});
  EXPECT_FALSE(nodes);
  return nodes ? "" : nodes.error().message;
}

TEST(DescribedNodes, a_place_for_what_the_driver_lists) {
  const auto nodes = describe_nodes({{{"location", "US"}, {"data_center", "US-KS-2"}}}, four_a40(), {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  ASSERT_EQ(nodes->size(), 1u);
  const auto& node = nodes->front();
  EXPECT_EQ(node.name, "local");
  EXPECT_EQ(node.location, "US");
  EXPECT_EQ(node.data_center, "US-KS-2");
  EXPECT_EQ(node.cuda_version, "12.4");
  EXPECT_EQ(node.gpus.size(), 4u);
  EXPECT_FALSE(node.described);
  EXPECT_EQ(describe(*nodes), "node local, US, US-KS-2, CUDA 12.4, GPUs: 4xAMPERE_48");
}

TEST(DescribedNodes, devices_are_shared_out) {
  const auto nodes = describe_nodes({{{"name", "rest"}},
                                     {{"name", "one"}, {"devices", "GPU-2"}, {"cuda", "12.1"}},
                                     {{"name", "pool"}, {"gpus", "1xAMPERE_48"}}},
                                    four_a40(), {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ((*nodes)[0].gpus.size(), 2u);
  EXPECT_EQ((*nodes)[1].gpus[0].index, 2);
  EXPECT_EQ((*nodes)[1].cuda_version, "12.1");
  EXPECT_EQ((*nodes)[2].gpus[0].index, 0);
  EXPECT_EQ((*nodes)[0].gpus[0].index, 1);
}

TEST(DescribedNodes, without_a_driver_they_stand_for_themselves_and_say_so) {
  const auto nodes =
      describe_nodes({{{"name", "a"}, {"gpus", "2xADA_24:20GB,1xNVIDIA A40"}}, {{"name", "b"}, {"gpus", ""}}}, {}, {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_TRUE((*nodes)[0].described);
  EXPECT_FALSE((*nodes)[0].emulated);
  EXPECT_EQ((*nodes)[0].gpus[0].memory_mb, 20 * 1024);
  EXPECT_EQ((*nodes)[0].gpus[2].type, "NVIDIA A40");
  EXPECT_EQ((*nodes)[0].gpus[2].memory_mb, 48 * 1024);
  EXPECT_TRUE((*nodes)[1].gpus.empty());
  EXPECT_NE(describe(*nodes).find("GPUs as described: 2xADA_24, 1xAMPERE_48"), std::string::npos) << describe(*nodes);
}

TEST(DescribedNodes, emulation_is_asked_for) {
  const auto nodes = describe_nodes({{{"emulated", "true"}, {"gpus", "3xADA_24"}, {"cuda", "12.4"}}}, {}, {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_TRUE(nodes->front().emulated);
  EXPECT_EQ(nodes->front().gpus.size(), 3u);
  EXPECT_EQ(nodes->front().cuda_version, "12.4");
  EXPECT_EQ(refusal({{{"location", "US"}}}).find("[[node]] \"local\": no driver lists a GPU here"), 0u);
}

TEST(DescribedNodes, nonsense_is_refused_with_what_is_accepted) {
  EXPECT_NE(refusal({{{"locaton", "US"}}}).find("did you mean \"location\"?"), std::string::npos);
  EXPECT_NE(refusal({{{"gpus", "2xNOPE"}}}).find("neither a pool nor a GPU type"), std::string::npos);
  EXPECT_NE(refusal({{{"gpus", "2xADA_24:xGB"}}}).find("[:<memory>GB]"), std::string::npos);
  EXPECT_NE(refusal({{{"cuda", "new"}}}).find("is not a version such as \"12.4\""), std::string::npos);
  EXPECT_NE(refusal({{{"emulated", "yes"}}}).find("true and false"), std::string::npos);
  EXPECT_NE(refusal({{{"gpus", "1xADA_24"}}, {{"gpus", "1xADA_24"}}}).find("another node has this name"),
            std::string::npos);
  EXPECT_NE(refusal({{{"devices", "9"}}}, four_a40()).find("device \"9\" is not among"), std::string::npos);
  EXPECT_NE(refusal({{{"gpus", "5xAMPERE_48"}}}, four_a40()).find("the driver lists 4"), std::string::npos);
  EXPECT_NE(refusal({{{"name", "a"}}, {{"name", "b"}}}, four_a40()).find("another node takes all"), std::string::npos);
  EXPECT_NE(refusal({{{"devices", "0,1"}, {"gpus", "1xADA_24"}}}, four_a40()).find("give as many of each"),
            std::string::npos);
}

TEST(DescribedNodes, a_type_of_no_pool_can_be_named_by_its_device) {
  core::GpuReadings found;
  found.gpus = {{0, "GPU-a", "NVIDIA Strange 1", 20'000, {}, {}, {}, ""}};
  const auto nodes = describe_nodes({{{"devices", "0"}, {"gpus", "1xAMPERE_16"}}}, found, {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ(nodes->front().gpus[0].type, "NVIDIA Strange 1");
  EXPECT_EQ(nodes->front().gpus[0].pool, "AMPERE_16");
  EXPECT_NE(refusal({{{"devices", "0"}}}, found).find("belongs to no pool"), std::string::npos);
}

}  // namespace
}  // namespace penstock::host
