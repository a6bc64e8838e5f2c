#include "core/tests/rig.h"

// Network volumes (contract/control-plane 2.8, B18 to B20, D6), and where they send workers.

namespace penstock::core {
namespace {

std::vector<Node> three_places() {
  std::vector<Node> nodes;
  for (const char* place : {"EU-CZ-1", "US-KS-2", ""}) {
    Node node{std::string("node-") + (*place ? place : "bare"), "", place, true, {}};
    for (int i = 0; i < 4; ++i) node.gpus.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
    nodes.push_back(std::move(node));
  }
  return nodes;
}

struct VolumeRules : testing::Test {
  VolumeInput input(std::string place = "EU-CZ-1") {
    VolumeInput in;
    in.name = std::string("models");
    in.size_gb = std::int64_t{10};
    in.data_center = std::move(place);
    return in;
  }
  Token save(VolumeInput in) { return rig.send(SaveVolume{0, rig.owner, std::move(in)}); }
  VolumeId make(const char* place = "EU-CZ-1") { return rig.reply<VolumeReply>(save(input(place))).id; }
  Token remove(const VolumeId& id) { return rig.send(DeleteVolume{0, rig.owner, id.str()}); }
  Token attach(const EndpointId& endpoint, std::vector<std::string> ids) {
    return rig.save(endpoint, [&](EndpointInput& in) { in.volume_ids = ids; });
  }
  const Endpoint& endpoint(const EndpointId& id) { return *rig.engine->find_endpoint(id); }
  VolumeInput change(const VolumeId& id) {
    VolumeInput in;
    in.id = id.str();
    return in;
  }

  Rig rig{{}, three_places()};
};

TEST_F(VolumeRules, AVolumeIsKeptAndComesBackAfterARestart) {
  const VolumeId id = make();
  EXPECT_EQ(id.str().size(), 10u);
  rig.restart();
  const NetworkVolume* found = rig.engine->find_volume(id);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "models");
  EXPECT_EQ(found->size_gb, 10);
  EXPECT_EQ(found->data_center, "EU-CZ-1");
  EXPECT_EQ(rig.engine->volumes_of(rig.owner).size(), 1u);
  EXPECT_TRUE(rig.engine->volumes_of(*AccountId::parse("user_2")).empty());
}

TEST_F(VolumeRules, WhatACreateNeeds) {
  const auto refused = [&](const std::function<void(VolumeInput&)>& edit) {
    VolumeInput in = input();
    edit(in);
    const std::string message = rig.error(save(in));
    EXPECT_TRUE(rig.last.records.empty()) << "a refused create changes nothing";
    return message;
  };
  EXPECT_NE(refused([](auto& in) { in.name = Field<std::string>(); }).find("name is required"), std::string::npos);
  EXPECT_NE(refused([](auto& in) { in.name = std::string("  "); }).find("name is required"), std::string::npos);
  EXPECT_NE(refused([](auto& in) { in.name = std::string(192, 'x'); }).find("at most 191"), std::string::npos);
  EXPECT_NE(refused([](auto& in) { in.size_gb = Field<std::int64_t>::null(); }).find("size is required"),
            std::string::npos);
  EXPECT_EQ(refused([](auto& in) { in.size_gb = std::int64_t{0}; }), "size is 0; it must be from 1 to 4096");
  EXPECT_EQ(refused([](auto& in) { in.data_center = "XX-1"; }),
            "Data center \"XX-1\" not found or does not support network volumes");
}

TEST_F(VolumeRules, ANodeWithoutADataCentreIsOneOfItsOwn) {
  EXPECT_FALSE(make("node-bare").empty());
}

TEST_F(VolumeRules, SizeMayGrowAndNotShrink) {
  const VolumeId id = make();
  VolumeInput in = change(id);
  in.size_gb = std::int64_t{9};
  EXPECT_EQ(rig.error(save(in)), "Network volume size cannot be reduced");
  in.size_gb = std::int64_t{10};
  EXPECT_EQ(rig.reply<VolumeReply>(save(in)).id, id);
  in.size_gb = std::int64_t{20};
  in.name = std::string("renamed");
  save(in);
  EXPECT_EQ(rig.engine->find_volume(id)->size_gb, 20);
  EXPECT_EQ(rig.engine->find_volume(id)->name, "renamed");
  EXPECT_EQ(rig.engine->find_volume(id)->data_center, "EU-CZ-1") << "an update keeps the data centre";
}

TEST_F(VolumeRules, AnUnknownOneIsRefusedEverywhere) {
  const VolumeId unknown = *VolumeId::parse("nosuchvolu");
  VolumeInput in = change(unknown);
  in.name = std::string("x");
  EXPECT_EQ(rig.error(save(in)), "Network volume not found");
  EXPECT_EQ(rig.error(remove(unknown)), "Tried to delete nonexistent network volume");
  const EndpointId id = rig.endpoint();
  EXPECT_EQ(rig.error(attach(id, {"nosuchvolu"})), "Network volume not found");
  EXPECT_EQ(rig.error(attach(id, {"no/id"})), "Network volume not found");
  const VolumeId foreign = make();
  EXPECT_EQ(rig.error(rig.send(DeleteVolume{0, *AccountId::parse("user_2"), foreign.str()})),
            "Tried to delete nonexistent network volume");
}

TEST_F(VolumeRules, OneForEachDataCentre) {
  const VolumeId here = make("EU-CZ-1");
  const VolumeId also_here = make("EU-CZ-1");
  const VolumeId there = make("US-KS-2");
  const EndpointId id = rig.endpoint();
  const std::string message = rig.error(attach(id, {here.str(), also_here.str()}));
  EXPECT_NE(message.find(also_here.str()), std::string::npos);
  EXPECT_NE(message.find("EU-CZ-1"), std::string::npos);
  attach(id, {there.str(), here.str(), there.str()});
  EXPECT_EQ(endpoint(id).volumes, (std::vector<VolumeId>{there, here})) << "in the order given, each once";
}

TEST_F(VolumeRules, TheTwoKeysOfAnEndpointSayOneThing) {
  const VolumeId a = make("EU-CZ-1");
  const VolumeId b = make("US-KS-2");
  const EndpointId id = rig.endpoint();
  const auto after = [&](const Rig::Edit& edit) {
    rig.save(id, edit);
    return endpoint(id).volumes;
  };
  const std::vector<VolumeId> only_a{a};
  const std::vector<VolumeId> only_b{b};
  EXPECT_EQ(after([&](auto& in) { in.volume_id = a.str(); }), only_a);
  EXPECT_EQ(after([&](auto&) {}), only_a) << "absent keeps";
  EXPECT_EQ(after([&](auto& in) {
              in.volume_id = a.str();
              in.volume_ids = std::vector<std::string>{b.str()};
            }),
            only_b);
  EXPECT_EQ(after([&](auto& in) {
              in.volume_id = a.str();
              in.volume_ids = Field<std::vector<std::string>>::null();
            }),
            only_a);
  EXPECT_TRUE(after([&](auto& in) { in.volume_id = std::string(); }).empty()) << "an empty text takes it off";
  after([&](auto& in) { in.volume_id = a.str(); });
  EXPECT_TRUE(after([&](auto& in) { in.volume_ids = std::vector<std::string>{}; }).empty());
}

TEST_F(VolumeRules, AnotherVolumeIsANewRelease) {
  const VolumeId volume = make();
  const EndpointId id = rig.endpoint();
  attach(id, {volume.str()});
  EXPECT_EQ(endpoint(id).version, 1);
  attach(id, {volume.str()});
  EXPECT_EQ(endpoint(id).version, 1);
}

TEST_F(VolumeRules, OneInUseCannotBeDeleted) {
  const VolumeId volume = make();
  const EndpointId id = rig.endpoint();
  attach(id, {volume.str()});
  const std::string message = rig.error(remove(volume));
  EXPECT_NE(message.find(id.str()), std::string::npos);
  EXPECT_EQ(message.find("not found"), std::string::npos);
  attach(id, {});
  rig.reply<Done>(remove(volume));
  ASSERT_EQ(rig.last.orders.size(), 1u);
  EXPECT_EQ(std::get<RemoveVolume>(rig.last.orders[0]).id, volume) << "what it holds goes too";
  rig.restart();
  EXPECT_EQ(rig.engine->find_volume(volume), nullptr);
}

TEST_F(VolumeRules, WorkersStartWhereTheVolumesAre) {
  const VolumeId cz = make("EU-CZ-1");
  const VolumeId bare = make("node-bare");
  const EndpointId id = rig.endpoint([&](EndpointInput& in) {
    in.workers_min = std::int64_t{8};
    in.workers_max = std::int64_t{8};
    in.volume_ids = std::vector<std::string>{cz.str(), bare.str()};
  });
  rig.advance(Millis{1'000});
  std::map<std::string, int> seen;
  for (const auto& order : rig.all.orders) {
    const auto* start = std::get_if<StartWorker>(&order);
    if (start)
      ++seen[start->placement.node + " " + (start->volume == cz ? "cz" : start->volume == bare ? "bare" : "?")];
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"node-EU-CZ-1 cz", 4}, {"node-bare bare", 4}}));
  EXPECT_EQ(endpoint(id).volumes.size(), 2u);
}

TEST_F(VolumeRules, ThereIsABound) {
  rig.settings.volumes_max = 2;
  rig.restart();
  make();
  make();
  EXPECT_EQ(rig.error(save(input())), "this server keeps at most 2 network volumes");
}

}  // namespace
}  // namespace penstock::core
