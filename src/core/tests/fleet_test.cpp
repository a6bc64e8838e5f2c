#include <gtest/gtest.h>

#include "core/fleet/fleet.h"

namespace penstock::core {
namespace {

Node node(std::string name, std::vector<std::string> types, std::string location = "", std::string data_center = "") {
  Node out;
  out.name = std::move(name);
  out.location = std::move(location);
  out.data_center = std::move(data_center);
  for (const std::string& type : types) {
    out.gpus.push_back({static_cast<int>(out.gpus.size()), type, std::string(pool_of_gpu_type(type)->id)});
  }
  return out;
}

const std::string kAda = "NVIDIA GeForce RTX 4090";  // ADA_24
const std::string kA4000 = "NVIDIA RTX A4000";       // AMPERE_16
const std::string kA4500 = "NVIDIA RTX A4500";       // AMPERE_16

PlacementWish wish(const std::string& gpu_ids, int count = 1, std::vector<std::string> places = {}) {
  return PlacementWish{*parse_gpu_ids(gpu_ids), count, std::move(places)};
}

TEST(Fleet, WalksThePoolsInOrder) {
  Fleet fleet({node("n", {kAda, kA4000})});
  EXPECT_EQ(fleet.place(wish("AMPERE_16,ADA_24"))->gpu_type, kA4000);
  EXPECT_EQ(fleet.place(wish("AMPERE_16,ADA_24"))->gpu_type, kAda) << "the second choice when the first is taken";
  EXPECT_FALSE(fleet.place(wish("AMPERE_16,ADA_24")));
}

TEST(Fleet, TakesTheFullestNodeThatFits) {
  Fleet fleet({node("four", {kAda, kAda, kAda, kAda}), node("two", {kAda, kAda})});
  EXPECT_EQ(fleet.place(wish("ADA_24"))->node, "two");
  EXPECT_EQ(fleet.place(wish("ADA_24", 2))->node, "four") << "two has only one left";
  EXPECT_EQ(fleet.place(wish("ADA_24"))->node, "two");
  EXPECT_EQ(fleet.gpus_taken(), 4);
}

TEST(Fleet, GivesEachGpuOnce) {
  Fleet fleet({node("n", {kAda, kAda, kAda})});
  const auto first = fleet.place(wish("ADA_24", 2));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->gpus, (std::vector<int>{0, 1}));
  EXPECT_EQ(first->pool, "ADA_24");
  EXPECT_EQ(fleet.place(wish("ADA_24"))->gpus, std::vector<int>{2});
  fleet.release(*first);
  EXPECT_EQ(fleet.gpus_taken(), 1);
  EXPECT_EQ(fleet.place(wish("ADA_24", 2))->gpus, (std::vector<int>{0, 1}));
}

TEST(Fleet, LeavesExcludedTypesAlone) {
  Fleet fleet({node("n", {kA4500, kA4000})});
  const auto placed = fleet.place(wish("AMPERE_16,-" + kA4500));
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->gpu_type, kA4000);
  EXPECT_FALSE(fleet.place(wish("AMPERE_16,-" + kA4500)));
}

TEST(Fleet, OneWorkerGetsOneType) {
  Fleet fleet({node("n", {kA4000, kA4500, kA4500})});
  const auto two = fleet.place(wish("AMPERE_16", 2));
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->gpu_type, kA4500);
  EXPECT_EQ(two->gpus, (std::vector<int>{1, 2}));
  EXPECT_EQ(fleet.place(wish("AMPERE_16"))->gpu_type, kA4000);
}

TEST(Fleet, MatchesLocationsAndDataCentres) {
  Fleet fleet({node("us", {kAda}, "US", "US-KS-2"), node("cz", {kAda}, "CZ", "EU-CZ-1")});
  EXPECT_EQ(fleet.place(wish("ADA_24", 1, {"CZ", "RO"}))->node, "cz");
  EXPECT_EQ(fleet.place(wish("ADA_24", 1, {"US-KS-2"}))->node, "us");
  Fleet nowhere({node("any", {kAda})});
  EXPECT_EQ(nowhere.place(wish("ADA_24", 1, {"CZ"}))->node, "any") << "a node without a place matches every wish";
}

TEST(Fleet, SaysWhyNothingFits) {
  Fleet fleet({node("us", {kAda, kAda}, "US")});
  const auto never = fleet.place(wish("ADA_24", 3));
  EXPECT_EQ(never.error().code, Errc::not_found);
  EXPECT_EQ(never.error().message, "no node has 3 GPU(s) of ADA_24");
  EXPECT_EQ(fleet.place(wish("HOPPER_141")).error().code, Errc::not_found);
  const auto elsewhere = fleet.place(wish("ADA_24", 1, {"CZ"}));
  EXPECT_EQ(elsewhere.error().code, Errc::not_found);
  EXPECT_EQ(elsewhere.error().message, "no node has 1 GPU(s) of ADA_24 in CZ");
  ASSERT_TRUE(fleet.place(wish("ADA_24", 2)));
  const auto full = fleet.place(wish("ADA_24"));
  EXPECT_EQ(full.error().code, Errc::busy);
  EXPECT_EQ(full.error().message, "all in use: 1 GPU(s) of ADA_24");
}

TEST(Fleet, CpuWorkersTakeNoGpu) {
  Fleet fleet({node("us", {kAda}, "US"), node("cz", {}, "CZ")});
  PlacementWish cpu;
  EXPECT_EQ(fleet.place(cpu)->node, "us");
  cpu.places = {"CZ"};
  EXPECT_EQ(fleet.place(cpu)->node, "cz");
  cpu.places = {"RO"};
  EXPECT_EQ(fleet.place(cpu).error().code, Errc::not_found);
  EXPECT_EQ(fleet.gpus_taken(), 0);
}

TEST(Fleet, GoesBackToWhereItRan) {
  Fleet fleet({node("two", {kAda, kAda}), node("four", {kAda, kAda, kAda, kAda})});
  auto wanted = wish("ADA_24");
  EXPECT_EQ(fleet.place(wanted)->node, "two") << "the fullest";
  wanted.been = {{"four", "ADA_24", kAda, {2}}, {"gone", "ADA_24", kAda, {0}}};
  const auto placed = fleet.place(wanted);
  EXPECT_EQ(placed->node, "four") << "what it loads is there";
  EXPECT_EQ(placed->gpus, std::vector<int>{2});
  EXPECT_EQ(fleet.place(wanted)->gpus, std::vector<int>{0}) << "on the same node, although its GPU is taken";
  wanted.gpu_count = 3;
  EXPECT_FALSE(fleet.place(wanted)) << "two are left there";
}

TEST(Fleet, HoldsNodesAgainstTheCudaFloor) {
  auto old = node("old", {kAda});
  old.cuda_version = "12.1";
  auto young = node("young", {kAda, kAda});
  young.cuda_version = "12.10";
  Fleet fleet({old, young});
  auto wanted = wish("ADA_24");
  wanted.cuda = cuda_wish("12.4", std::nullopt, {});
  EXPECT_EQ(fleet.place(wanted)->node, "young") << "12.10 is newer than 12.4";
  wanted.cuda = cuda_wish("13.0", std::nullopt, {});
  EXPECT_EQ(fleet.place(wanted).error().message, "no node has 1 GPU(s) of ADA_24 with CUDA 13.0 or newer");
  wanted.cuda = cuda_wish(std::nullopt, "12.6, 12.1", {});
  EXPECT_EQ(fleet.place(wanted)->node, "old") << "a list means its smallest version";
  Fleet unknown({node("n", {kAda})});
  EXPECT_TRUE(unknown.place(wanted)) << "a node that does not know matches every wish";
}

TEST(Fleet, NamesTheDevicesAndFindsThemAgain) {
  auto before = node("n", {kAda, kAda, kAda});
  for (auto& gpu : before.gpus) gpu.uuid = "GPU-" + std::to_string(gpu.index);
  Fleet fleet({before});
  const auto placed = *fleet.place(wish("ADA_24", 2));
  EXPECT_EQ(placed.uuids, (std::vector<std::string>{"GPU-0", "GPU-1"}));
  auto after = node("renamed", {kAda, kAda});  // GPU-0 is gone
  after.gpus[0].uuid = "GPU-1";
  after.gpus[1].uuid = "GPU-2";
  Fleet next({after});
  const auto restored = next.restore(placed);
  EXPECT_EQ(restored.node, "renamed");
  EXPECT_EQ(restored.gpus, std::vector<int>{0});
  EXPECT_EQ(next.place(wish("ADA_24"))->uuids, std::vector<std::string>{"GPU-2"});
  next.release(restored);
  EXPECT_EQ(next.place(wish("ADA_24"))->uuids, std::vector<std::string>{"GPU-1"});
}

TEST(Fleet, ACopyIsAnother) {
  Fleet fleet({node("n", {kAda})});
  Fleet copy = fleet;
  EXPECT_TRUE(copy.place(wish("ADA_24")));
  EXPECT_EQ(fleet.gpus_taken(), 0);
}

TEST(Fleet, RestoresWhatIsStillThere) {
  Fleet fleet({node("n", {kAda, kAda})});
  const Placement old{"n", "ADA_24", kAda, {1, 7}};
  fleet.restore(old);
  fleet.restore(Placement{"gone", "ADA_24", kAda, {0}});
  EXPECT_EQ(fleet.gpus_taken(), 1);
  EXPECT_EQ(fleet.place(wish("ADA_24"))->gpus, std::vector<int>{0});
  fleet.release(old);
  EXPECT_EQ(fleet.gpus_taken(), 1);
}

}  // namespace
}  // namespace penstock::core
