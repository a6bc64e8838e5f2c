#include "store_samples.h"

#include <gtest/gtest.h>

namespace penstock::store::contract {

using namespace std::string_literals;

std::string awkward_text(std::string_view mark) {
  return std::string(mark) + "\0 '\"\\ =,;\n\r\n\t \xff\xfe \xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x80 \\n \0"s;
}

core::Account account(std::string_view name) {
  return {id<AccountId>(name),        awkward_text("person@example.org"),
          from_ms(1'720'811'680'144), awkward_text("ssh-ed25519 AAAA"),
          awkward_text("sealed"),     awkward_text("before"),
          from_ms(1'720'811'680'153)};
}

core::ApiKey key(std::string_view name) {
  return {std::string(name), id<AccountId>("acc-1"),    awkward_text("key"),
          "00ffab",          core::KeyScope::read_only, from_ms(-5)};
}

core::Template bare_template(std::string_view name) {
  core::Template value;
  value.id = id<TemplateId>(name);
  value.owner = id<AccountId>("acc-1");
  return value;
}

core::Template full_template(std::string_view name) {
  core::Template value = bare_template(name);
  value.name = awkward_text("name");
  value.image = awkward_text("image");
  value.docker_args = awkward_text("args");
  value.env = {{"A", "1"}, {"", ""}, {awkward_text("key"), awkward_text("value")}, {"A", "again"}};
  value.ports = awkward_text("8000/http");
  value.container_disk_gb = 11;
  value.volume_gb = 12;
  value.volume_mount_path = awkward_text("/mnt");
  value.registry_auth_id = awkward_text("auth");
  value.is_serverless = true;
  value.is_public = true;
  value.readme = awkward_text("readme");
  value.advanced_start = true;
  value.start_jupyter = true;
  value.start_ssh = false;
  value.start_script = awkward_text("script");
  value.category = awkward_text("NVIDIA");
  value.bound_endpoint = id<EndpointId>("ep-1");
  value.created = from_ms(1'720'811'680'145);
  value.config = awkward_text("{}");
  value.port_names = {{"8000", awkward_text("web")}, {awkward_text("port"), ""}};
  return value;
}

core::Endpoint bare_endpoint(std::string_view name) {
  core::Endpoint value;
  value.id = id<EndpointId>(name);
  value.owner = id<AccountId>("acc-1");
  value.template_id = id<TemplateId>("tpl-1");
  return value;
}

core::Endpoint full_endpoint(std::string_view name) {
  core::Endpoint value = bare_endpoint(name);
  value.name = awkward_text("name -fb");
  value.binds_template = false;
  value.gpu_ids = awkward_text("AMPERE_16,-NVIDIA RTX A4000");
  value.gpu_count = 2;
  value.instance_ids = {"cpu3c-2-4", "", awkward_text("cpu")};
  value.workers_min = 1;
  value.workers_max = 2147483647;
  value.workers_standby = 0;
  value.workers_pfb_target = 5;
  value.idle_timeout_s = -1;
  value.scaler_type = core::ScalerType::request_count;
  value.scaler_value = 7;
  value.locations = awkward_text("EU");
  value.data_center_ids = {"EU-RO-1", "US-KS-2"};
  value.env = {{"B", awkward_text("value")}};
  value.allowed_cuda_versions = "";
  value.min_cuda_version = "12.1";
  value.execution_timeout_ms = 0;
  value.request_ttl_ms = INT64_MAX;
  value.retention_async_s = 7;
  value.retention_sync_s = INT64_MAX;
  value.flash_boot = core::FlashBoot::priority_flashboot;
  value.flash_environment_id = awkward_text("flash");
  value.compliance = {"GDPR", "SOC_2_TYPE_2"};
  value.hub_release_id = "hub";
  value.model_references = {awkward_text("https://example.org/model:main"), ""};
  value.volumes = {id<VolumeId>("vol-2"), id<VolumeId>("vol-1")};
  value.version = 9;
  value.created = from_ms(1'720'811'680'146);
  return value;
}

core::NetworkVolume volume(std::string_view name) {
  return {id<VolumeId>(name),      id<AccountId>("acc-1"),    awkward_text("volume"), 4096,
          awkward_text("EU-RO-1"), from_ms(1'720'811'680'149)};
}

core::Secret secret(std::string_view name) {
  return {id<SecretId>(name),     id<AccountId>("acc-1"),     awkward_text("secret"),    awkward_text("what for"),
          awkward_text("sealed"), from_ms(1'720'811'680'150), from_ms(1'720'811'680'151)};
}

core::RegistryCredential credential(std::string_view name) {
  return {id<CredentialId>(name), id<AccountId>("acc-1"), awkward_text("registry"), awkward_text("sealed"),
          from_ms(1'720'811'680'152)};
}

core::GpuMark gpu_mark(std::string_view name) {
  return {std::string(name),          awkward_text("node"),      3, "NVIDIA A40", awkward_text("reason"),
          from_ms(1'720'811'680'153), from_ms(1'720'811'680'154)};
}

core::Worker bare_worker(std::string_view name, std::string_view endpoint) {
  core::Worker value;
  value.id = id<WorkerId>(name);
  value.endpoint = id<EndpointId>(endpoint);
  return value;
}

core::EndpointPlaces places(std::string_view endpoint, int count) {
  core::EndpointPlaces value{id<EndpointId>(endpoint), {}};
  for (int i = 0; i < count; ++i) {
    value.places.push_back({awkward_text("node"), "ADA_24", awkward_text("type"), {i, i + 1}, {awkward_text("a"), ""}});
  }
  value.places.push_back({"cpu", "", "", {}});
  return value;
}

core::Release release(std::string_view endpoint, int version) {
  core::Release value;
  value.endpoint = id<EndpointId>(endpoint);
  value.version = version;
  value.created = from_ms(1'000 + version);
  if (version % 2 == 1) value.rollback_of = version - 1;
  value.changes = {{awkward_text("field"), std::nullopt, awkward_text("after")}, {"env.A", "", std::nullopt}};
  core::ReleaseSettings& s = value.settings;
  s.template_id = id<TemplateId>("template-1");
  s.gpu_ids = awkward_text("gpus");
  s.gpu_count = 3;
  s.instance_ids = {awkward_text("instance"), ""};
  s.min_cuda_version = "12.1";
  s.locations = "";
  s.data_center_ids = {"EU-RO-1"};
  s.env = {{"A=", awkward_text("value")}};
  s.volumes = {id<VolumeId>("volume-1")};
  s.image = awkward_text("image");
  s.docker_args = awkward_text("args");
  s.template_env = {{"B", awkward_text("value")}};
  s.ports = "80/http";
  s.container_disk_gb = 7;
  s.volume_mount_path = "/v";
  s.registry_auth_id = "auth";
  s.start_script = awkward_text("script");
  return value;
}

core::UsageRow usage(std::string_view endpoint, std::string_view pool, int hour) {
  core::UsageRow row;
  row.owner = id<AccountId>("account-1");
  row.endpoint = id<EndpointId>(endpoint);
  row.pool = std::string(pool);
  row.hour = from_ms(std::int64_t{hour} * 3'600'000);
  row.metered = row.hour + Millis{17};
  row.worker_ms = {1, 2, 3, std::int64_t{1} << 40};
  row.gpu_ms = {5, 6, 7, 8};
  row.price = 580'000;
  row.discount = 200'000;
  return row;
}

core::Budget budget(std::string_view endpoint, std::optional<std::int64_t> per_day) {
  core::Budget value;
  value.owner = id<AccountId>("account-1");
  if (!endpoint.empty()) value.endpoint = id<EndpointId>(endpoint);
  value.per_day = per_day;
  value.unit = core::BudgetUnit::money;
  value.action = core::BudgetAction::stop_workers;
  return value;
}

core::Worker full_worker(std::string_view name, std::string_view endpoint) {
  core::Worker value = bare_worker(name, endpoint);
  value.release = 3;
  value.external = true;
  value.placement = {awkward_text("node"), "AMPERE_16", "NVIDIA RTX A4000", {0, 7, -1, 2147483647}};
  value.created = from_ms(1'720'811'680'147);
  value.ready = from_ms(0);
  value.draining = true;
  value.launch_handle = awkward_text("12:34:56");
  value.placement.uuids = {"GPU-1", awkward_text("GPU-2")};
  value.start.kind = core::StartKind::thawed;
  value.start.decided = from_ms(1'720'811'680'140);
  value.start.placed = from_ms(1'720'811'680'141);
  value.start.launched = from_ms(1'720'811'680'142);
  value.start.up = from_ms(0);
  value.start.polled = from_ms(1'720'811'680'144);
  value.start.job = from_ms(1'720'811'680'145);
  value.frozen = from_ms(1'720'811'680'146);
  value.gpu_parked = true;
  return value;
}

core::WebhookDelivery bare_delivery(std::string_view name) {
  core::WebhookDelivery value;
  value.id = id<DeliveryId>(name);
  value.owner = id<AccountId>("acc-1");
  value.endpoint = id<EndpointId>("ep-1");
  value.job = id<JobId>("job-1");
  return value;
}

core::WebhookDelivery full_delivery(std::string_view name) {
  core::WebhookDelivery value = bare_delivery(name);
  value.url = awkward_text("https://example.org/");
  value.created = from_ms(1'720'811'680'154);
  value.content.status = core::JobStatus::timed_out;
  value.content.error = awkward_text("error");
  value.content.delay_ms = INT64_MAX;
  value.content.execution_ms = 2;
  value.content.retries = 3;
  value.content.worker = id<WorkerId>("w-1");
  value.content.input_omitted = true;
  value.content.output_omitted = true;
  value.content.traceparent = awkward_text("00-");
  value.content.input = core::bytes(awkward_text("{}"));
  value.content.output = core::bytes(std::string(300'000, 'x'));
  value.state.status = core::DeliveryStatus::failed;
  value.state.attempts = 9;
  value.state.round_attempts = 4;
  value.state.round_started = from_ms(5);
  value.state.next = from_ms(6);
  value.state.last_attempt = from_ms(7);
  value.state.last_code = 503;
  value.state.last_error = awkward_text("no answer");
  value.state.settled = from_ms(8);
  value.state.expires = from_ms(9);
  return value;
}

core::Batch full_batch(std::string_view name, std::string_view endpoint) {
  core::Batch value;
  value.id = id<BatchId>(name);
  value.endpoint = id<EndpointId>(endpoint);
  value.name = awkward_text("nightly");
  value.status = core::BatchStatus::cancelled;
  value.requests = 5;
  value.input_bytes = 6;
  value.completed = 3;
  value.failed = 2;
  value.created = from_ms(1);
  value.finalized = from_ms(2);
  value.cancel_asked = from_ms(3);
  value.ended = from_ms(4);
  value.expires = from_ms(5);
  return value;
}

core::JobAdded bare_job(std::string_view name, std::string_view endpoint) {
  core::JobAdded added;
  added.request.id = id<JobId>(name);
  added.request.endpoint = id<EndpointId>(endpoint);
  added.request.input = core::bytes("");
  return added;
}

core::JobAdded full_job(std::string_view name, std::string_view endpoint) {
  core::JobAdded added = bare_job(name, endpoint);
  added.request.sync = true;
  added.request.input = core::bytes(awkward_text("{\"prompt\":1}"));
  added.request.s3_config = core::bytes(awkward_text("{}"));
  added.request.execution_timeout = Millis{0};
  added.request.ttl = Millis{86'400'000};
  added.request.priority = core::Priority::low;
  added.request.idempotency_key = awkward_text("key-" + std::string(name));
  added.request.created = from_ms(1'720'811'680'148);
  added.request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  added.request.webhook = awkward_text("https://example.org/");
  added.request.batch = id<BatchId>("batch_1");
  added.state.status = core::JobStatus::in_progress;
  added.state.attempt = 2;
  added.state.retries = 1;
  added.state.queued = from_ms(10);
  added.state.started = from_ms(20);
  added.state.finished = from_ms(30);
  added.state.worker = id<WorkerId>("w-1");
  added.state.error = awkward_text("error");
  added.state.ttl_deadline = from_ms(40);
  added.state.expires = from_ms(50);
  added.state.chunks_delivered = 6;
  return added;
}

core::JobState completed_state() {
  core::JobState state;
  state.status = core::JobStatus::completed;
  state.attempt = 1;
  state.queued = from_ms(100);
  state.started = from_ms(200);
  state.finished = from_ms(300);
  state.worker = id<WorkerId>("w-1");
  state.expires = from_ms(400);
  return state;
}

namespace {

void expect_same_payload(const core::Bytes& got, const core::Bytes& wanted, const std::string& what) {
  ASSERT_EQ(got == nullptr, wanted == nullptr) << what;
  if (got == nullptr) return;
  ASSERT_EQ(got->size(), wanted->size()) << what;
  ASSERT_TRUE(*got == *wanted) << what << " has other bytes";
}

template <class Value>
void expect_same_list(const std::vector<Value>& got, const std::vector<Value>& wanted, const char* what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(got[i] == wanted[i]) << what << " " << i << " differs";
}

}  // namespace

void expect_same_delivery(const core::WebhookDelivery& got, const core::WebhookDelivery& wanted) {
  const std::string name = "delivery " + wanted.id.str();
  ASSERT_EQ(got.id, wanted.id);
  const auto rest = [](const core::WebhookDelivery& d) {
    return std::tie(d.owner, d.endpoint, d.job, d.url, d.created, d.content.status, d.content.error, d.content.delay_ms,
                    d.content.execution_ms, d.content.retries, d.content.worker, d.content.input_omitted,
                    d.content.output_omitted, d.content.traceparent, d.state);
  };
  EXPECT_TRUE(rest(got) == rest(wanted)) << name << " differs";
  expect_same_payload(got.content.input, wanted.content.input, name + " input");
  expect_same_payload(got.content.output, wanted.content.output, name + " output");
}

void expect_same_job(const core::StoredJob& got, const core::StoredJob& wanted) {
  const std::string name = "job " + to_string(wanted.request.id);
  ASSERT_EQ(got.request.id, wanted.request.id);
  EXPECT_EQ(got.request.endpoint, wanted.request.endpoint) << name;
  EXPECT_EQ(got.request.sync, wanted.request.sync) << name;
  EXPECT_EQ(got.request.execution_timeout, wanted.request.execution_timeout) << name;
  EXPECT_EQ(got.request.ttl, wanted.request.ttl) << name;
  EXPECT_EQ(got.request.priority, wanted.request.priority) << name;
  EXPECT_EQ(got.request.idempotency_key, wanted.request.idempotency_key) << name;
  EXPECT_EQ(got.request.created, wanted.request.created) << name;
  EXPECT_EQ(got.request.traceparent, wanted.request.traceparent) << name;
  EXPECT_EQ(got.request.webhook, wanted.request.webhook) << name;
  EXPECT_EQ(got.request.batch, wanted.request.batch) << name;
  EXPECT_TRUE(got.state == wanted.state) << name << " has another state";
  expect_same_payload(got.request.input, wanted.request.input, name + " input");
  expect_same_payload(got.request.s3_config, wanted.request.s3_config, name + " s3_config");
  expect_same_payload(got.output, wanted.output, name + " output");
  ASSERT_EQ(got.chunks.size(), wanted.chunks.size()) << name;
  for (std::size_t i = 0; i < wanted.chunks.size(); ++i) {
    expect_same_payload(got.chunks[i], wanted.chunks[i], name + " chunk " + std::to_string(i));
  }
}

void expect_same(const core::StoredState& got, const core::StoredState& wanted) {
  expect_same_list(got.accounts, wanted.accounts, "account");
  expect_same_list(got.keys, wanted.keys, "key");
  expect_same_list(got.templates, wanted.templates, "template");
  expect_same_list(got.endpoints, wanted.endpoints, "endpoint");
  expect_same_list(got.counters, wanted.counters, "counters");
  expect_same_list(got.workers, wanted.workers, "worker");
  expect_same_list(got.volumes, wanted.volumes, "network volume");
  expect_same_list(got.secrets, wanted.secrets, "secret");
  expect_same_list(got.credentials, wanted.credentials, "registry credential");
  expect_same_list(got.batches, wanted.batches, "batch");
  expect_same_list(got.gpu_marks, wanted.gpu_marks, "GPU");
  expect_same_list(got.last_requests, wanted.last_requests, "last request");
  expect_same_list(got.releases, wanted.releases, "release");
  expect_same_list(got.usage, wanted.usage, "usage");
  expect_same_list(got.budgets, wanted.budgets, "budget");
  expect_same_list(got.places, wanted.places, "places");
  ASSERT_EQ(got.deliveries.size(), wanted.deliveries.size());
  for (std::size_t i = 0; i < wanted.deliveries.size(); ++i) {
    expect_same_delivery(got.deliveries[i], wanted.deliveries[i]);
  }
  ASSERT_EQ(got.jobs.size(), wanted.jobs.size());
  for (std::size_t i = 0; i < wanted.jobs.size(); ++i) expect_same_job(got.jobs[i], wanted.jobs[i]);
}

void expect_holds(Store& store, const core::StoredState& wanted) {
  const auto state = store.load();
  ASSERT_TRUE(state) << state.error().message;
  core::StoredState live = wanted;
  std::erase_if(live.jobs, [](const core::StoredJob& job) { return core::is_terminal(job.state.status); });
  expect_same(*state, live);
  for (const core::StoredJob& job : wanted.jobs) {
    const auto found = store.find_job(job.request.endpoint, job.request.id);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_TRUE(*found) << job.request.id.str() << " is not found";
    expect_same_job(**found, job);
  }
}

}  // namespace penstock::store::contract
