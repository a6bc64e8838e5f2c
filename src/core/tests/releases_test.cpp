#include "core/tests/rig.h"

// Versions of endpoints (contract/control-plane 2.2).

namespace penstock::core {
namespace {

struct Releases : testing::Test {
  std::vector<Release> all(const EndpointId& at) { return rig.books.releases_of(at); }
  int version(const EndpointId& at) { return rig.engine->find_endpoint(at)->version; }
  void edit_template(const EndpointId& at, const std::function<void(TemplateInput&)>& change) {
    TemplateInput edit;
    edit.id = rig.template_of(at).str();
    edit.name = rig.engine->find_template(rig.template_of(at))->name;
    change(edit);
    rig.send(SaveTemplate{0, rig.owner, edit});
  }
  Token roll_back(const EndpointId& at, std::size_t index) {
    return rig.send(RollBack{0, rig.owner, all(at).at(index)});
  }

  Rig rig;
};

TEST_F(Releases, EachSaysWhatItChanged) {
  const EndpointId at = rig.endpoint();
  rig.save(at, [](EndpointInput& in) {
    in.env = std::vector<EnvVar>{{"MODEL", "2"}};
    in.gpu_count = 2;
  });
  edit_template(at, [](TemplateInput& in) { in.image = std::string("example/image:2"); });
  rig.save(at, [](EndpointInput& in) { in.workers_max = 7; });  // needs no fresh workers
  const auto releases = all(at);
  ASSERT_EQ(releases.size(), 3u);
  EXPECT_EQ(releases[0].version, 0);
  EXPECT_TRUE(releases[0].changes.empty());
  EXPECT_EQ(releases[1].changes,
            (std::vector<SettingChange>{{"gpuCount", "1", "2"}, {"env.MODEL", std::nullopt, "2"}}));
  EXPECT_EQ(releases[2].changes,
            (std::vector<SettingChange>{{"template.imageName", "example/image:1", "example/image:2"}}));
  EXPECT_EQ(releases[2].version, 2);
  EXPECT_EQ(version(at), 2);
}

TEST_F(Releases, AllThatNeedFreshWorkersMakeOne) {
  const EndpointId at = rig.endpoint();
  const std::vector<Rig::Edit> rolling = {
      [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"A", "1"}}; },
      [](EndpointInput& in) { in.gpu_ids = std::string("AMPERE_16"); },
      [](EndpointInput& in) { in.gpu_count = 2; },
      [](EndpointInput& in) { in.locations = std::string("US"); },
      [](EndpointInput& in) { in.min_cuda_version = std::string("12.1"); },
  };
  int expected = 0;
  for (const Rig::Edit& edit : rolling) {
    rig.save(at, edit);
    EXPECT_EQ(version(at), ++expected);
  }
  const std::vector<Rig::Edit> in_place = {
      [](EndpointInput& in) { in.name = std::string("other"); },
      [](EndpointInput& in) { in.workers_max = 9; },
      [](EndpointInput& in) { in.workers_min = 1; },
      [](EndpointInput& in) { in.idle_timeout_s = 30; },
      [](EndpointInput& in) { in.scaler_type = std::string("REQUEST_COUNT"); },
      [](EndpointInput& in) { in.scaler_value = 2; },
      [](EndpointInput& in) { in.execution_timeout_ms = 60'000; },
      [](EndpointInput& in) { in.flash_boot = std::string("FLASHBOOT"); },
  };
  for (const Rig::Edit& edit : in_place) {
    rig.save(at, edit);
    EXPECT_EQ(version(at), expected);
  }
}

TEST_F(Releases, RollingBackMakesAReleaseThatIsAsTheOldOne) {
  const EndpointId at = rig.endpoint([](EndpointInput& in) { in.workers_min = 1; });
  const ReleaseSettings first = all(at).at(0).settings;
  edit_template(at, [](TemplateInput& in) {
    in.image = std::string("example/image:2");
    in.docker_args = std::string("python broken.py");
  });
  rig.save(at, [](EndpointInput& in) { in.env = std::vector<EnvVar>{{"MODEL", "2"}}; });
  ASSERT_EQ(version(at), 2);
  const Token token = roll_back(at, 0);
  EXPECT_EQ(rig.reply<EndpointReply>(token).id, at);
  EXPECT_EQ(version(at), 3);
  const Release made = all(at).back();
  EXPECT_EQ(made.rollback_of, 0);
  EXPECT_EQ(made.settings, first);
  EXPECT_EQ(made.changes.size(), 3u);
  EXPECT_EQ(rig.engine->find_template(rig.template_of(at))->image, "example/image:1");
  EXPECT_EQ(std::get<StartWorker>(rig.all.orders.back()).image, "example/image:1");
  EXPECT_TRUE(rig.engine->find_endpoint(at)->env.empty());
  rig.restart();
  EXPECT_EQ(version(at), 3);
  EXPECT_EQ(rig.engine->find_template(rig.template_of(at))->image, "example/image:1");
}

TEST_F(Releases, RollingBackSwapsTheTemplateBack) {
  const EndpointId at = rig.endpoint();
  const TemplateId before = rig.template_of(at);
  TemplateInput other;
  other.name = "other";
  other.image = std::string("example/other:1");
  other.is_serverless = true;
  const TemplateId second = rig.reply<TemplateReply>(rig.send(SaveTemplate{0, rig.owner, other})).id;
  rig.send(UpdateEndpointTemplate{0, rig.owner, at.str(), second.str()});
  ASSERT_EQ(all(at).size(), 2u);
  roll_back(at, 0);
  EXPECT_EQ(rig.template_of(at), before);
  EXPECT_EQ(rig.engine->find_template(before)->bound_endpoint, at);
  EXPECT_FALSE(rig.engine->find_template(second)->bound_endpoint);
}

TEST_F(Releases, RefusesWhatCannotRunAgain) {
  const EndpointId at = rig.endpoint();
  EXPECT_EQ(rig.code(roll_back(at, 0)), Errc::conflict) << "that is what runs";
  TemplateInput other;
  other.name = "other";
  other.image = std::string("example/other:1");
  other.is_serverless = true;
  const std::string first = rig.engine->find_template(rig.template_of(at))->name;
  const TemplateId second = rig.reply<TemplateReply>(rig.send(SaveTemplate{0, rig.owner, other})).id;
  rig.send(UpdateEndpointTemplate{0, rig.owner, at.str(), second.str()});
  rig.send(DeleteTemplate{0, rig.owner, first});
  const Token refused = roll_back(at, 0);
  EXPECT_EQ(rig.code(refused), Errc::conflict);
  EXPECT_NE(rig.error(refused).find("was deleted"), std::string::npos);
  EXPECT_EQ(rig.code(rig.send(RollBack{0, *AccountId::parse("user_other"), all(at).at(0)})), Errc::not_found);
  EXPECT_EQ(version(at), 1);
}

TEST_F(Releases, AnOlderDataDirectoryGetsItsFirst) {
  const EndpointId at = rig.endpoint();
  rig.save(at, [](EndpointInput& in) { in.gpu_count = 2; });
  StoredState old = rig.books.load();
  old.releases.clear();
  Effects effects;
  Engine engine(rig.settings, rig.nodes, rig.random);
  engine.restore(rig.now, old, effects);
  int releases = 0;
  for (const Record& record : effects.records) {
    if (const auto* saved = std::get_if<ReleaseSaved>(&record)) {
      EXPECT_EQ(saved->value.version, 1);
      EXPECT_EQ(saved->value.settings.gpu_count, 2);
      ++releases;
    }
  }
  EXPECT_EQ(releases, 1);
}

}  // namespace
}  // namespace penstock::core
