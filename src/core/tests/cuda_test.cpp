#include "core/fleet/cuda.h"

#include <gtest/gtest.h>

#include "core/fleet/fleet.h"

namespace penstock::core {
namespace {

Node node_with(const std::string& cuda, const std::string& driver) {
  Node node;
  node.cuda_version = cuda;
  node.driver_version = driver;
  return node;
}

constexpr const char* kGeForce = "NVIDIA GeForce RTX 4090";
constexpr const char* kA100 = "NVIDIA A100 80GB PCIe";

TEST(Versions, are_compared_number_by_number) {
  EXPECT_LT(compare(*parse_version("12.4"), *parse_version("12.10")), 0);
  EXPECT_EQ(compare(*parse_version("12"), *parse_version("12.0")), 0);
  EXPECT_GT(compare(*parse_version("550.54.14"), *parse_version("550.54")), 0);
  for (const char* bad : {"", "x", "12.", ".4", "12,4", "12.4a", "-1", "99999999999"})
    EXPECT_FALSE(parse_version(bad)) << bad;
}

TEST(CudaWish, takes_the_highest_of_what_is_asked_for) {
  EXPECT_FALSE(cuda_wish(std::nullopt, std::nullopt, {}).any());
  EXPECT_EQ(cuda_wish("12.1", "12.6,12.4", {}).floor, (Version{12, 4}));
  EXPECT_EQ(cuda_wish("12.8", "12.6,12.4", {}).floor, (Version{12, 8}));
  EXPECT_EQ(to_text(cuda_wish("12.1", std::nullopt, {{"NVIDIA_REQUIRE_CUDA", "cuda>=12.4"}})),
            "CUDA 12.1 or newer and NVIDIA_REQUIRE_CUDA=cuda>=12.4");
  EXPECT_FALSE(
      cuda_wish(std::nullopt, std::nullopt, {{"NVIDIA_REQUIRE_CUDA", "cuda>=12.4"}, {"NVIDIA_DISABLE_REQUIRE", "1"}})
          .any());
}

TEST(RequireCuda, commas_are_and_spaces_are_or) {
  const auto holds = [](const char* require, const Node& node, const char* type = kGeForce) {
    return meets_requirement(require, node, type);
  };
  const Node young = node_with("12.4", "550.54.14");
  const Node old = node_with("12.0", "525.60");
  EXPECT_TRUE(holds("cuda>=12.4", young));
  EXPECT_FALSE(holds("cuda>=12.4", old));
  EXPECT_FALSE(holds("cuda>=12.0,driver<500", old));
  EXPECT_TRUE(holds("cuda>=12.9 driver>=525,driver<526", old));
  // What NVIDIA's own images say.
  const char* base = "cuda>=12.4 brand=tesla,driver>=525,driver<526 brand=nvidia,driver>=525,driver<526";
  EXPECT_TRUE(holds(base, young));
  EXPECT_TRUE(holds(base, old, kA100)) << "the data centre's may run newer programs";
  EXPECT_FALSE(holds(base, old, kGeForce));
  for (const char* odd : {"", "cuda", "cuda>=x", "arch>=8.0", ">=12"}) EXPECT_FALSE(holds(odd, young)) << odd;
}

TEST(RequireCuda, a_node_that_does_not_know_does_for_every_wish) {
  EXPECT_TRUE(runs(Node{}, kGeForce, cuda_wish("99", std::nullopt, {{"NVIDIA_REQUIRE_CUDA", "cuda>=99"}})));
}

}  // namespace
}  // namespace penstock::core
