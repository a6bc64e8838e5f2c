#include "core/control/catalogue.h"

#include <gtest/gtest.h>

#include <set>

namespace penstock::core {
namespace {

Node node(std::string name, std::string country, std::string data_center, std::vector<std::string> types) {
  Node out{std::move(name), std::move(country), std::move(data_center), true, {}};
  int index = 0;
  for (auto& type : types) {
    const std::string pool(pool_of_gpu_type(type)->id);
    out.gpus.push_back({index++, std::move(type), pool});
  }
  return out;
}

Fleet two_places() {
  return Fleet({node("a", "US", "US-KS-2", {"NVIDIA A40", "NVIDIA A40", "NVIDIA L4"}),
                node("b", "CZ", "EU-CZ-1", {"NVIDIA A40"}), node("c", "", "", {"NVIDIA B200"})});
}

TEST(Catalogue, lists_every_type_of_every_pool_once_with_a_name_and_memory) {
  std::set<std::string_view> ids;
  for (const GpuType& type : gpu_types()) {
    EXPECT_TRUE(ids.insert(type.id).second) << type.id;
    EXPECT_FALSE(type.display_name.empty());
    EXPECT_GE(type.memory_gb, 16);
    EXPECT_EQ(find_gpu_type(type.id), &type);
  }
  std::size_t members = 0;
  for (const GpuPool& pool : gpu_pools()) members += pool.gpu_types.size();
  EXPECT_EQ(ids.size(), members);
  EXPECT_EQ(find_gpu_type("NVIDIA A40")->display_name, "A40");
  EXPECT_EQ(find_gpu_type("NVIDIA RTX A4500")->memory_gb, 20);
  EXPECT_EQ(find_gpu_type("unknown"), nullptr);
}

TEST(Catalogue, offers_count_by_place_and_country) {
  const Fleet fleet = two_places();
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA A40", {}).total, 3);
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA A40", {}).most, 2);
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA A40", {"EU-CZ-1", {}}).total, 1);
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA A40", {{}, "US"}).total, 2);
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA A40", {"US-KS-2", "CZ"}).total, 0);
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA B200", {{}, "CZ"}).total, 1) << "a node without a country is in every one";
  EXPECT_EQ(gpu_offer(fleet, "NVIDIA H200", {}).stock(1), "");
}

TEST(Catalogue, stock_falls_as_workers_take_gpus) {
  Fleet fleet({node("a", "", "", {4, "NVIDIA A40"}), node("b", "", "", {4, "NVIDIA A40"})});
  const PlacementWish one{*parse_gpu_ids("AMPERE_48"), 1, {}};
  std::vector<std::string> seen;
  for (int taken = 0; taken <= 8; ++taken) {
    seen.emplace_back(gpu_offer(fleet, "NVIDIA A40", {}).stock(1));
    if (taken < 8) ASSERT_TRUE(fleet.place(one));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"High", "High", "High", "High", "High", "Medium", "Medium", "Low", ""}));
  EXPECT_EQ(GpuOffer({8, 3, 4, 2}).stock(2), "Medium");
  EXPECT_EQ(GpuOffer({8, 3, 4, 2}).stock(3), "") << "no node has three free";
}

TEST(Catalogue, data_centres_are_those_of_the_nodes) {
  const Fleet fleet = two_places();
  const auto places = data_centers(fleet);
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].id, "US-KS-2");
  EXPECT_EQ(places[0].region, "NORTH_AMERICA");
  EXPECT_EQ(places[0].gpu_types, (std::vector<std::string>{"NVIDIA A40", "NVIDIA L4"}));
  EXPECT_EQ(places[1].country, "CZ");
  EXPECT_EQ(places[1].region, "EUROPE");
  EXPECT_EQ(places[2].id, "c") << "a node without a data centre is in one of its own name";
  EXPECT_EQ(places[2].region, "UNKNOWN");
  EXPECT_TRUE(find_data_center(fleet, "EU-CZ-1"));
  EXPECT_FALSE(find_data_center(fleet, "EU-RO-1"));
  EXPECT_EQ(country_codes(fleet), (std::vector<std::string>{"US", "CZ"}));
}

TEST(Catalogue, instances_are_flavour_vcpus_and_memory) {
  const auto instance = parse_instance_id("cpu5g-4-16");
  ASSERT_TRUE(instance);
  EXPECT_EQ(instance->flavour->id, "cpu5g");
  EXPECT_EQ(instance->vcpu, 4);
  EXPECT_EQ(instance->ram_gb, 16);
  for (const char* bad : {"", "cpu3c", "cpu3c-2", "cpu9x-2-4", "cpu3c-0-4", "cpu3c-2-x", "cpu3c-2-4-8", "cpu3c--4"}) {
    EXPECT_FALSE(parse_instance_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace penstock::core
