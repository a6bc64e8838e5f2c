#include "core/control/endpoint_rules.h"

#include <gtest/gtest.h>

#include <functional>

namespace penstock::core {
namespace {

using Edit = std::function<void(EndpointInput&)>;

EndpointInput least() {
  EndpointInput in;
  in.name = "My Endpoint";
  in.gpu_ids = std::string("AMPERE_16");
  return in;
}

Result<Endpoint> create(const Edit& edit = {}, EngineSettings settings = {}) {
  EndpointInput in = least();
  if (edit) edit(in);
  return with_input(Endpoint{}, in, true, settings);
}

Result<Endpoint> modify(const Endpoint& stored, const Edit& edit, bool resets = false) {
  EndpointInput in;
  in.name = stored.name;
  edit(in);
  EngineSettings settings;
  settings.modify_resets_defaults = resets;
  return with_input(stored, in, false, settings);
}

/// Every setting away from its default.
Endpoint furnished() {
  return *create([](EndpointInput& in) {
    in.gpu_count = 2;
    in.workers_min = 1;
    in.workers_max = 7;
    in.workers_standby = 2;
    in.workers_pfb_target = 3;
    in.idle_timeout_s = 42;
    in.scaler_type = std::string("REQUEST_COUNT");
    in.scaler_value = 9;
    in.locations = std::string("US");
    in.data_center_ids = std::vector<std::string>{"US-KS-2"};
    in.env = std::vector<EnvVar>{{"A", "1"}};
    in.allowed_cuda_versions = std::string("12.4,12.5");
    in.min_cuda_version = std::string("12.4");
    in.execution_timeout_ms = 60'000;
    in.request_ttl_ms = 120'000;
    in.flash_boot = std::string("FLASHBOOT");
    in.flash_environment_id = std::string("fe1");
    in.compliance = std::vector<std::string>{"GDPR"};
    in.hub_release_id = std::string("hub1");
    in.bind_template = false;
  });
}

TEST(EndpointRules, Defaults) {
  const auto made = create();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->workers_min, 0);
  EXPECT_EQ(made->workers_max, 3);
  EXPECT_EQ(made->idle_timeout_s, 10);
  EXPECT_EQ(made->scaler_type, ScalerType::queue_delay);
  EXPECT_EQ(made->scaler_value, 4);
  EXPECT_EQ(made->gpu_count, 1);
  EXPECT_EQ(made->flash_boot, FlashBoot::off);
  EXPECT_TRUE(made->binds_template);
  EXPECT_FALSE(made->locations || made->execution_timeout_ms || made->request_ttl_ms || made->workers_standby ||
               made->allowed_cuda_versions || made->min_cuda_version);
  EXPECT_FALSE(made->is_cpu());
}

TEST(EndpointRules, TheDefaultOfWorkersMaxFitsASmallQuota) {
  EngineSettings settings;
  settings.workers_quota = 2;
  EXPECT_EQ(create({}, settings)->workers_max, 2);
}

TEST(EndpointRules, TheSuffixFbMeansFlashBoot) {
  const auto named = [](const char* name) { return create([&](EndpointInput& in) { in.name = name; }); };
  EXPECT_EQ(named("Generated Endpoint -fb")->flash_boot, FlashBoot::flashboot);
  EXPECT_EQ(named("Generated Endpoint -fb")->name, "Generated Endpoint -fb") << "stored verbatim";
  EXPECT_EQ(named("fb not at the end-fb?")->flash_boot, FlashBoot::off);
  const auto off = create([](EndpointInput& in) {
    in.name = "x -fb";
    in.flash_boot = std::string("OFF");
  });
  EXPECT_EQ(off->flash_boot, FlashBoot::off) << "what is said wins over the name";
}

TEST(EndpointRules, EmptyTextMeansNone) {
  const auto made = create([](EndpointInput& in) {
    in.locations = std::string();
    in.allowed_cuda_versions = std::string();
    in.min_cuda_version = std::string();
    in.flash_boot = std::string();
  });
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->locations || made->allowed_cuda_versions || made->min_cuda_version);
  EXPECT_EQ(made->flash_boot, FlashBoot::off);
}

// ---------------------------------------------------------------- refusals

struct Refusal {
  const char* message;
  Edit edit;
  Errc code = Errc::invalid;
};

TEST(EndpointRules, Refusals) {
  const Refusal cases[] = {
      {"gpuId(s) is required for a gpu endpoint", [](auto& in) { in.gpu_ids = {}; }},
      {"gpuId(s) is required for a gpu endpoint", [](auto& in) { in.gpu_ids = std::string(" "); }},
      {"gpuId(s) is required for a gpu endpoint",
       [](auto& in) {
         in.gpu_ids = Field<std::string>::null();
         in.instance_ids = std::vector<std::string>{};
       }},
      {"Invalid GPU Pool ID: \"A40\".", [](auto& in) { in.gpu_ids = std::string("A40"); }},
      {"Scaler value cannot be less than 1.", [](auto& in) { in.scaler_value = 0; }},
      {"Scaler value cannot be less than 1.", [](auto& in) { in.scaler_value = -7; }},
      {"Endpoint name must be at least 3 characters", [](auto& in) { in.name = "ab"; }},
      {"Endpoint name must be at most 191 characters", [](auto& in) { in.name = std::string(192, 'n'); }},
      {"workersMin is 4; it must not be above workersMax, which is 3", [](auto& in) { in.workers_min = 4; }},
      {"workersMin is -1; it must be from 0", [](auto& in) { in.workers_min = -1; }},
      {"workersMax is -1; it must be from 0", [](auto& in) { in.workers_max = -1; }},
      {"workersMax is 9223372036854775807; it must be from 0", [](auto& in) { in.workers_max = INT64_MAX; }},
      {"idleTimeout is 0; it must be from 1 to 3600", [](auto& in) { in.idle_timeout_s = 0; }},
      {"idleTimeout is 3601; it must be from 1 to 3600", [](auto& in) { in.idle_timeout_s = 3'601; }},
      {"workersStandby is 4; it must be from 0 to 3", [](auto& in) { in.workers_standby = 4; }},
      {"gpuCount is 0; it must be from 1", [](auto& in) { in.gpu_count = 0; }},
      {"scalerType is \"FAST\"; QUEUE_DELAY and REQUEST_COUNT", [](auto& in) { in.scaler_type = std::string("FAST"); }},
      {"flashBootType is \"ON\"; OFF, FLASHBOOT and", [](auto& in) { in.flash_boot = std::string("ON"); }},
      {"executionTimeoutMs is 4999; it must be from 5000 to 604800000",
       [](auto& in) { in.execution_timeout_ms = 4'999; }},
      {"executionTimeoutMs is -1;", [](auto& in) { in.execution_timeout_ms = -1; }},
      {"requestTTL is 9999; it must be from 10000", [](auto& in) { in.request_ttl_ms = 9'999; }},
      {"retention.asyncSeconds is 0; it must be from 1", [](auto& in) { in.retention_async_s = 0; }},
      {"retention.syncSeconds is 31536001; it must be from 1", [](auto& in) { in.retention_sync_s = 31'536'001; }},
      {"instanceIds has \"cpu9z-2-4\"",
       [](auto& in) { in.instance_ids = std::vector<std::string>{"cpu3c-2-4", "cpu9z-2-4"}; }},
      {"instanceIds has \"cpu3c-two-4\"", [](auto& in) { in.instance_ids = std::vector<std::string>{"cpu3c-two-4"}; }},
      {"type is \"QUEUE\"; QB and LB", [](auto& in) { in.type = std::string("QUEUE"); }},
      {"type LB (load-balancing endpoints) is not implemented", [](auto& in) { in.type = std::string("LB"); },
       Errc::not_implemented},
      {"env key \"A=B\" is not a name", [](auto& in) { in.env = std::vector<EnvVar>{{"A=B", "1"}}; }},
      {"env key \"\" is not a name", [](auto& in) { in.env = std::vector<EnvVar>{{"", "1"}}; }},
      {"contains a NUL byte", [](auto& in) { in.env = std::vector<EnvVar>{{"A", std::string("\0", 1)}}; }},
      {"env has 1001 variables", [](auto& in) { in.env = std::vector<EnvVar>(1'001, EnvVar{"A", ""}); }},
  };
  for (const Refusal& c : cases) {
    const auto refused = create(c.edit);
    ASSERT_FALSE(refused) << c.message;
    EXPECT_NE(refused.error().message.find(c.message), std::string::npos) << refused.error().message;
    EXPECT_EQ(refused.error().code, c.code) << c.message;
  }
}

TEST(EndpointRules, TheBoundsThemselvesAreAccepted) {
  const auto made = create([](EndpointInput& in) {
    in.name = "abc";
    in.idle_timeout_s = 3'600;
    in.execution_timeout_ms = 604'800'000;
    in.request_ttl_ms = 10'000;
    in.scaler_value = 1;
    in.workers_min = 3;
    in.workers_standby = 3;
  });
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(create([](EndpointInput& in) { in.execution_timeout_ms = 0; })) << "0: no limit";
  EXPECT_TRUE(create([](EndpointInput& in) { in.type = std::string("QB"); }));
}

// ---------------------------------------------------------------- modify (D1)

TEST(EndpointRules, AbsentKeysKeepWhatIsStored) {
  const Endpoint stored = furnished();
  const auto same = modify(stored, [](EndpointInput&) {});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(*same, stored);
  Endpoint expected = stored;
  expected.workers_max = 5;
  EXPECT_EQ(*modify(stored, [](EndpointInput& in) { in.workers_max = 5; }), expected);
}

TEST(EndpointRules, NullKeepsWhatHasADefaultAndClearsTheRest) {
  const Endpoint stored = furnished();
  const auto nulls = modify(stored, [](EndpointInput& in) {
    in.workers_max = Field<std::int64_t>::null();
    in.workers_min = Field<std::int64_t>::null();
    in.idle_timeout_s = Field<std::int64_t>::null();
    in.scaler_value = Field<std::int64_t>::null();
    in.gpu_count = Field<std::int64_t>::null();
    in.gpu_ids = Field<std::string>::null();
    in.locations = Field<std::string>::null();
    in.data_center_ids = Field<std::vector<std::string>>::null();
    in.env = Field<std::vector<EnvVar>>::null();
    in.allowed_cuda_versions = Field<std::string>::null();
    in.min_cuda_version = Field<std::string>::null();
    in.execution_timeout_ms = Field<std::int64_t>::null();
    in.request_ttl_ms = Field<std::int64_t>::null();
    in.compliance = Field<std::vector<std::string>>::null();
  });
  ASSERT_TRUE(nulls) << nulls.error().message;
  Endpoint expected = stored;
  expected.locations.reset();
  expected.data_center_ids.clear();
  expected.env.clear();
  expected.allowed_cuda_versions.reset();
  expected.min_cuda_version.reset();
  expected.execution_timeout_ms.reset();
  expected.request_ttl_ms.reset();
  expected.compliance.clear();
  EXPECT_EQ(*nulls, expected);
}

TEST(EndpointRules, UpstreamResetGoesBackToSixDefaults) {
  const Endpoint stored = furnished();
  const auto reset = modify(stored, [](EndpointInput& in) { in.workers_max = 5; }, true);
  ASSERT_TRUE(reset) << reset.error().message;
  Endpoint expected = stored;
  expected.gpu_count = 1;
  expected.workers_min = 0;
  expected.workers_max = 5;
  expected.workers_pfb_target = 0;
  expected.idle_timeout_s = 10;
  expected.scaler_value = 4;
  EXPECT_EQ(*reset, expected);
}

TEST(EndpointRules, ModifyDoesNotReadTheNameAgain) {
  Endpoint stored = *create();
  stored.name = "x -fb";
  const auto renamed = modify(stored, [](EndpointInput& in) { in.name = "y -fb"; });
  EXPECT_EQ(renamed->name, "y -fb");
  EXPECT_EQ(renamed->flash_boot, FlashBoot::off);
}

TEST(EndpointRules, GpusAndInstancesChangeTheKind) {
  const Endpoint gpu = *create();
  const auto cpu = modify(gpu, [](EndpointInput& in) { in.instance_ids = std::vector<std::string>{"cpu3c-2-4"}; });
  ASSERT_TRUE(cpu) << cpu.error().message;
  EXPECT_TRUE(cpu->is_cpu());
  EXPECT_TRUE(modify(*cpu, [](EndpointInput&) {})->is_cpu());
  const auto back = modify(*cpu, [](EndpointInput& in) { in.gpu_ids = std::string("ADA_24"); });
  EXPECT_FALSE(back->is_cpu()) << "gpuIds without instanceIds make it a GPU endpoint";
  const auto both = modify(*cpu, [](EndpointInput& in) {
    in.gpu_ids = std::string("ADA_24");
    in.instance_ids = std::vector<std::string>{"cpu5c-4-8"};
  });
  EXPECT_TRUE(both->is_cpu());
  EXPECT_FALSE(modify(*cpu, [](EndpointInput&) {}, true)->is_cpu()) << "upstream-reset forgets instanceIds";
}

TEST(EndpointRules, CpuEndpointsNeedNoGpus) {
  const auto cpu = create([](EndpointInput& in) {
    in.gpu_ids = std::string();
    in.instance_ids = std::vector<std::string>{"cpu3g-4-16"};
    in.gpu_count = 3;
  });
  ASSERT_TRUE(cpu) << cpu.error().message;
  EXPECT_EQ(cpu->instance_ids, std::vector<std::string>{"cpu3g-4-16"});
}

// ---------------------------------------------------------------- releases (2.2)

TEST(EndpointRules, WhatNeedsFreshWorkers) {
  const Endpoint before = furnished();
  const auto changed = [&](const Edit& edit) {
    return needs_release(before, *modify(before, [&](EndpointInput& in) { edit(in); }));
  };
  EXPECT_TRUE(changed([](auto& in) { in.gpu_ids = std::string("ADA_24"); }));
  EXPECT_TRUE(changed([](auto& in) { in.gpu_count = 3; }));
  EXPECT_TRUE(changed([](auto& in) { in.instance_ids = std::vector<std::string>{"cpu3c-2-4"}; }));
  EXPECT_TRUE(changed([](auto& in) { in.env = std::vector<EnvVar>{{"A", "2"}}; }));
  EXPECT_TRUE(changed([](auto& in) { in.allowed_cuda_versions = std::string("12.6"); }));
  EXPECT_TRUE(changed([](auto& in) { in.min_cuda_version = std::string("12.6"); }));
  EXPECT_TRUE(changed([](auto& in) { in.locations = std::string("CZ"); }));
  EXPECT_TRUE(changed([](auto& in) { in.data_center_ids = std::vector<std::string>{"EU-CZ-1"}; }));
  Endpoint swapped = before;
  swapped.template_id = *TemplateId::parse("other");
  EXPECT_TRUE(needs_release(before, swapped));

  Endpoint attached = before;
  attached.volumes = {*VolumeId::parse("vol1")};
  EXPECT_TRUE(needs_release(before, attached));

  EXPECT_FALSE(changed([](auto& in) { in.model_references = std::vector<std::string>{"https://example.org/m"}; }));
  EXPECT_FALSE(changed([](auto& in) { in.name = "another name"; }));
  EXPECT_FALSE(changed([](auto& in) { in.workers_max = 9; }));
  EXPECT_FALSE(changed([](auto& in) { in.workers_min = 0; }));
  EXPECT_FALSE(changed([](auto& in) { in.workers_standby = 1; }));
  EXPECT_FALSE(changed([](auto& in) { in.scaler_type = std::string("QUEUE_DELAY"); }));
  EXPECT_FALSE(changed([](auto& in) { in.scaler_value = 2; }));
  EXPECT_FALSE(changed([](auto& in) { in.idle_timeout_s = 2; }));
  EXPECT_FALSE(changed([](auto& in) { in.execution_timeout_ms = 70'000; }));
  EXPECT_FALSE(changed([](auto& in) { in.request_ttl_ms = 70'000; }));
  EXPECT_FALSE(changed([](auto& in) { in.retention_async_s = 70; }));
  EXPECT_FALSE(changed([](auto& in) { in.flash_boot = std::string("OFF"); }));
}

// ---------------------------------------------------------------- templates (2.8)

TemplateInput image(const char* name = "t") {
  TemplateInput in;
  in.name = name;
  in.image = std::string("example/image:1");
  return in;
}

TEST(TemplateRules, Defaults) {
  const auto made = with_input(Template{}, image(), true, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->docker_args, "");
  EXPECT_TRUE(made->env.empty());
  EXPECT_EQ(made->ports, "");
  EXPECT_EQ(made->volume_mount_path, "/workspace");
  EXPECT_FALSE(made->is_public);
  EXPECT_FALSE(made->is_serverless);
  EXPECT_TRUE(made->start_ssh);
  EXPECT_EQ(made->readme, "");
  EXPECT_EQ(made->category, "NVIDIA");
}

TEST(TemplateRules, OmittedKeysKeepTheirValues) {
  TemplateInput full = image();
  full.docker_args = std::string("x");
  full.env = std::vector<EnvVar>{{"A", "B"}};
  full.volume_mount_path = std::string("/data");
  const Template stored = *with_input(Template{}, full, true, {});
  TemplateInput edit;
  edit.name = "t";
  edit.readme = std::string("new");
  const auto after = with_input(stored, edit, false, {});
  ASSERT_TRUE(after) << after.error().message;
  Template expected = stored;
  expected.readme = "new";
  EXPECT_EQ(*after, expected);
  edit.env = std::vector<EnvVar>{};
  EXPECT_TRUE(with_input(stored, edit, false, {})->env.empty()) << "a given env replaces the list";
}

TEST(TemplateRules, WhatIsKeptForClients) {
  TemplateInput in = image();
  in.config = std::string("{\"a\":1}");
  in.port_names = std::vector<PortName>{{"8000", "web"}};
  const Template stored = *with_input(Template{}, in, true, {});
  EXPECT_EQ(stored.config, "{\"a\":1}");
  EXPECT_EQ(stored.port_names.size(), 1u);
  EXPECT_EQ(*with_input(stored, image(), false, {}), stored) << "absent keeps";
  TemplateInput cleared = image();
  cleared.config = Field<std::string>::null();
  cleared.port_names = Field<std::vector<PortName>>::null();
  const Template after = *with_input(stored, cleared, false, {});
  EXPECT_TRUE(after.config.empty() && after.port_names.empty());
  EXPECT_FALSE(needs_release(stored, after));
  in.config = std::string(64 * 1024 + 1, '1');
  EXPECT_NE(with_input(Template{}, in, true, {}).error().message.find("config has 65537 bytes"), std::string::npos);
  in = image();
  in.port_names = std::vector<PortName>(101);
  EXPECT_NE(with_input(Template{}, in, true, {}).error().message.find("portsConfig has 101 entries"),
            std::string::npos);
}

TEST(TemplateRules, Refusals) {
  const auto message = [](const std::function<void(TemplateInput&)>& edit, EngineSettings settings = {}) {
    TemplateInput in = image();
    edit(in);
    const auto made = with_input(Template{}, in, true, settings);
    return made ? "accepted" : made.error().message;
  };
  EXPECT_EQ(message([](auto& in) { in.name = " "; }), "Template name must not be empty");
  EXPECT_NE(message([](auto& in) { in.image = std::string(); }).find("imageName is required"), std::string::npos);
  EXPECT_NE(message([](auto& in) { in.image = std::string("process:here"); }).find("an absolute directory"),
            std::string::npos);
  EXPECT_EQ(message([](auto& in) { in.image = std::string("process:/srv"); }), "accepted");
  EngineSettings open;
  open.process_images = false;
  EXPECT_NE(
      message([](auto& in) { in.image = std::string("process:/srv"); }, open).find("only while the server listens"),
      std::string::npos);
  EXPECT_NE(message([](auto& in) { in.container_disk_gb = -1; }).find("containerDiskInGb is -1"), std::string::npos);
}

TEST(TemplateRules, ABoundTemplateStaysWhatItIs) {
  Template bound = *with_input(Template{}, image(), true, {});
  bound.is_serverless = true;
  bound.bound_endpoint = *EndpointId::parse("e1");
  TemplateInput edit = image();
  edit.is_serverless = false;
  EXPECT_NE(with_input(bound, edit, false, {}).error().message.find("isServerless cannot change"), std::string::npos);
  bound.bound_endpoint.reset();
  EXPECT_TRUE(with_input(bound, edit, false, {}));
}

TEST(TemplateRules, WhatNeedsFreshWorkers) {
  const Template before = *with_input(Template{}, image(), true, {});
  const auto changed = [&](const std::function<void(TemplateInput&)>& edit) {
    TemplateInput in = image();
    edit(in);
    return needs_release(before, *with_input(before, in, false, {}));
  };
  EXPECT_TRUE(changed([](auto& in) { in.image = std::string("example/image:2"); }));
  EXPECT_TRUE(changed([](auto& in) { in.docker_args = std::string("run"); }));
  EXPECT_TRUE(changed([](auto& in) { in.env = std::vector<EnvVar>{{"A", "1"}}; }));
  EXPECT_TRUE(changed([](auto& in) { in.ports = std::string("80/http"); }));
  EXPECT_TRUE(changed([](auto& in) { in.container_disk_gb = 9; }));
  EXPECT_FALSE(changed([](auto& in) { in.name = "renamed"; }));
  EXPECT_FALSE(changed([](auto& in) { in.readme = std::string("text"); }));
  EXPECT_FALSE(changed([](auto& in) { in.is_public = true; }));
}

}  // namespace
}  // namespace penstock::core
