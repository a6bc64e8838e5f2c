#include "server/worker_launch.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace penstock::server {
namespace {

core::StartWorker order_with(const std::string& docker_args) {
  core::StartWorker order;
  order.id = *WorkerId::parse("worker1");
  order.endpoint = *EndpointId::parse("endpoint1");
  order.image = "process:/srv";
  order.docker_args = docker_args;
  order.placement = {"local", "AMPERE_16", "NVIDIA RTX A4000", {2, 3}};
  return order;
}

const api::ServerFacts kFacts{"http://127.0.0.1:9", Millis{10'000}};

const api::Vault kVault(std::string(32, 'v'));

Result<launch::WorkerSpec> spec_of(const core::StartWorker& order, bool emulated = false) {
  return worker_spec(order, kFacts, api::WorkerKeys(std::string(32, 's')), kVault, emulated);
}

std::string value_of(const launch::WorkerSpec& spec, const std::string& key) {
  const auto found = std::ranges::find(spec.environment, key, &core::EnvVar::key);
  return found == spec.environment.end() ? "(unset)" : found->value;
}

TEST(WorkerLaunch, secrets_are_opened_into_the_environment) {
  core::StartWorker order = order_with("true");
  order.env = {{"TOKEN", "Bearer {{ RUNPOD_SECRET_hub }}!"}, {"PLAIN", "{{ OTHER }}"}};
  order.secrets = {{"hub", kVault.seal("s3cret")}};
  EXPECT_EQ(value_of(*spec_of(order), "TOKEN"), "Bearer s3cret!");
  EXPECT_EQ(value_of(*spec_of(order), "PLAIN"), "{{ OTHER }}");
}

TEST(WorkerLaunch, a_secret_that_is_missing_or_closed_stops_the_start_and_is_named) {
  core::StartWorker order = order_with("true");
  order.env = {{"TOKEN", "{{ RUNPOD_SECRET_hub }}"}};
  EXPECT_EQ(spec_of(order).error().message, "env TOKEN names the secret \"hub\": there is no secret of this name");
  order.secrets = {{"hub", api::Vault(std::string(32, 'w')).seal("s3cret")}};
  const Error closed = spec_of(order).error();
  EXPECT_EQ(closed.code, Errc::unavailable);
  EXPECT_EQ(closed.message.find("s3cret"), std::string::npos);
}

TEST(WorkerLaunch, an_instance_becomes_limits) {
  core::StartWorker order = order_with("true");
  EXPECT_FALSE(spec_of(order)->limits.any());
  order.placement.gpus.clear();
  order.vcpus = 2;
  order.memory_gb = 4;
  const auto spec = *spec_of(order);
  EXPECT_EQ(spec.limits.vcpus, 2);
  EXPECT_EQ(spec.limits.memory_bytes, 4'294'967'296);
  EXPECT_EQ(value_of(spec, "RUNPOD_CPU_COUNT"), "2");
}

TEST(WorkerLaunch, a_volume_is_shown_by_the_environment) {
  auto spec = *spec_of(order_with("true"));
  mount(spec, *VolumeId::parse("vol1"), "/srv/vol1");
  EXPECT_EQ(value_of(spec, "RUNPOD_VOLUME_ID"), "vol1");
  EXPECT_EQ(value_of(spec, "PENSTOCK_VOLUME_PATH"), "/srv/vol1");
}

TEST(WorkerLaunch, words_are_split_as_a_shell_would) {
  EXPECT_EQ(spec_of(order_with("python3 -u 'my handler.py' --x=\"a b\""))->command,
            (std::vector<std::string>{"python3", "-u", "my handler.py", "--x=a b"}));
}

TEST(WorkerLaunch, the_structured_form_is_entrypoint_then_cmd) {
  EXPECT_EQ(spec_of(order_with(R"({"cmd":["b"],"entrypoint":["a"]})"))->command, (std::vector<std::string>{"a", "b"}));
}

TEST(WorkerLaunch, a_command_that_makes_no_sense_is_refused) {
  for (const char* bad : {"", "   ", "echo 'open", "{\"cmd\":\"x\"}", "{\"cmd\":[1]}", "{nonsense"}) {
    EXPECT_FALSE(spec_of(order_with(bad))) << bad;
  }
}

TEST(WorkerLaunch, a_container_image_is_refused_by_name) {
  auto order = order_with("x");
  order.image = "example/worker:1";
  const auto spec = spec_of(order);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().code, Errc::not_implemented);
  EXPECT_NE(spec.error().message.find("\"example/worker:1\""), std::string::npos);
}

TEST(WorkerLaunch, the_addresses_have_a_question_mark_and_the_path_the_sdk_looks_for) {
  const auto spec = spec_of(order_with("x"));
  EXPECT_EQ(value_of(*spec, "RUNPOD_WEBHOOK_GET_JOB"),
            "http://127.0.0.1:9/v2/endpoint1/job-take/worker1?gpu=NVIDIA+RTX+A4000");
  EXPECT_EQ(value_of(*spec, "RUNPOD_WEBHOOK_POST_OUTPUT"),
            "http://127.0.0.1:9/v2/endpoint1/job-done/worker1/$ID?gpu=NVIDIA+RTX+A4000");
  EXPECT_EQ(value_of(*spec, "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(WorkerLaunch, emulated_gpus_are_not_shown_to_cuda) {
  EXPECT_EQ(value_of(*spec_of(order_with("x"), true), "CUDA_VISIBLE_DEVICES"), "(unset)");
}

TEST(WorkerLaunch, exactly_the_granted_devices_are_visible) {
  auto order = order_with("x");
  EXPECT_EQ(value_of(*spec_of(order), "CUDA_DEVICE_ORDER"), "PCI_BUS_ID") << "as the driver counts";
  order.placement.uuids = {"GPU-a", "GPU-b"};
  order.env = {{"CUDA_VISIBLE_DEVICES", "0,1,2,3"}, {"NVIDIA_VISIBLE_DEVICES", "all"}};
  const auto spec = spec_of(order);
  EXPECT_EQ(value_of(*spec, "CUDA_VISIBLE_DEVICES"), "GPU-a,GPU-b");
  EXPECT_EQ(value_of(*spec, "NVIDIA_VISIBLE_DEVICES"), "GPU-a,GPU-b");
  EXPECT_EQ(value_of(*spec, "RUNPOD_GPU_COUNT"), "2");
  order.placement = {"local", "", "", {}};
  const auto cpu = spec_of(order);
  EXPECT_EQ(value_of(*cpu, "CUDA_VISIBLE_DEVICES"), "") << "a CPU worker sees none";
  EXPECT_EQ(value_of(*cpu, "NVIDIA_VISIBLE_DEVICES"), "void");
}

TEST(WorkerLaunch, a_worker_knows_its_data_centre) {
  auto spec = spec_of(order_with("x"));
  core::Node node;
  node.name = "local";
  tell_place(*spec, node);
  EXPECT_EQ(value_of(*spec, "RUNPOD_DC_ID"), "local");
  node.data_center = "US-KS-2";
  tell_place(*spec, node);
  EXPECT_EQ(value_of(*spec, "RUNPOD_DC_ID"), "US-KS-2");
}

TEST(WorkerLaunch, the_user_may_ask_for_the_sdks_checks_but_not_take_over_the_protocol) {
  auto order = order_with("x");
  order.env = {{"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS", "false"}, {"RUNPOD_POD_ID", "mine"}, {"MODEL", "m"}};
  const auto spec = spec_of(order);
  EXPECT_EQ(value_of(*spec, "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS"), "false");
  EXPECT_EQ(value_of(*spec, "RUNPOD_POD_ID"), "worker1");
  EXPECT_EQ(value_of(*spec, "MODEL"), "m");
}

}  // namespace
}  // namespace penstock::server
