#include "api/graphql/resolvers.h"

#include "api/graphql/schema.h"
#include "api/graphql/subscriptions.h"
#include "api/graphql/values.h"
#include "base/log.h"
#include "json/json.h"

namespace penstock::api {
namespace {

using graphql::Args;
using graphql::Binder;
using graphql::ListValue;
using graphql::make_object;
using graphql::Schema;
using graphql::Sink;
using graphql::Value;
namespace model = ::penstock::core;

void put_text(Sink& sink, const std::string& text) {
  if (!text.empty()) sink.text(text);
}

/// How the workers of an endpoint are at one instant.
struct Sample {
  Time time;
  model::Health health;
};

Value integer(const std::optional<std::int64_t>& value) {
  return Value::of(value);
}

Value env_value(const Schema& schema, const std::vector<model::EnvVar>& env) {
  return objects(schema, "EnvironmentVariable", env);
}

const model::Template& template_of(const EndpointView& v) {
  return *v.core->engine().find_template(v.endpoint->template_id);
}

Value pods_value(const Schema& schema, const EndpointView& v) {
  ListValue out;
  for (auto& worker : v.core->engine().workers_of(v.endpoint->id)) {
    out.push_back(worker_value(schema, {v.core, v.endpoint, std::move(worker)}));
  }
  return out;
}

Value volume_ids_value(const Schema& schema, const EndpointView& v) {
  ListValue out;
  for (const VolumeId& id : v.endpoint->volumes) {
    out.push_back(make_object(schema, "NetworkVolumeIds", *v.core->engine().find_volume(id)));
  }
  return out.empty() ? Value() : Value(std::move(out));
}

Value first_volume_value(const Schema& schema, const EndpointView& v) {
  if (v.endpoint->volumes.empty()) return {};
  return volume_value(schema, {v.core, v.core->engine().find_volume(v.endpoint->volumes.front())});
}

Value worker_state(const Schema& schema, const EndpointView& v, const Args& args) {
  const auto* granularity = args.find("input")->find("granularity");
  if (granularity && !granularity->value.is_null() && *granularity->value.as_string() != "LIVE") {
    return graphql::FieldError{"Endpoint.workerState of granularity " + *granularity->value.as_string() +
                                   " is not implemented by this server; LIVE is",
                               kRefused};
  }
  ListValue out;
  out.push_back(make_object(schema, "WorkerState", Sample{v.core->now(), *v.core->engine().health(v.endpoint->id)}));
  return Value(std::move(out));
}

struct Retention {
  std::int64_t async_s = 0;
  std::int64_t sync_s = 0;
};

Value retention_value(Schema& schema, const EndpointView& v) {
  const auto seconds = [](Millis time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); };
  const core::EngineSettings& settings = v.core->engine().settings();
  return make_object(schema, "EndpointRetention",
                     Retention{v.endpoint->retention_async_s.value_or(seconds(settings.retention_async)),
                               v.endpoint->retention_sync_s.value_or(seconds(settings.retention_sync))});
}

void bind_endpoint_settings(Schema& schema) {
  Binder<EndpointView>(schema, "Endpoint")
      .stable("id", [](const EndpointView& v) -> const auto& { return v.endpoint->id.str(); })
      .stable("name", [](const EndpointView& v) -> const auto& { return v.endpoint->name; })
      .stable("templateId", [](const EndpointView& v) -> const auto& { return v.endpoint->template_id.str(); })
      .stable("gpuIds", [](const EndpointView& v, Sink& sink) { put_text(sink, v.endpoint->gpu_ids); })
      .stable("gpuCount", [](const EndpointView& v) { return v.endpoint->gpu_count; })
      .stable("instanceIds", [](const EndpointView& v) { return texts_or_null(v.endpoint->instance_ids); })
      .stable("computeType", [](const EndpointView& v) { return Value(v.endpoint->is_cpu() ? "CPU" : "GPU"); })
      .stable("workersMin", [](const EndpointView& v) { return v.endpoint->workers_min; })
      .stable("workersMax", [](const EndpointView& v) { return v.endpoint->workers_max; })
      .stable(
          "workersStandby",
          [](const EndpointView& v) { return Value(v.endpoint->workers_standby.value_or(v.endpoint->workers_min)); })
      .stable("workersPFBTarget", [](const EndpointView& v) { return v.endpoint->workers_pfb_target; })
      .stable("idleTimeout", [](const EndpointView& v) { return v.endpoint->idle_timeout_s; })
      .stable("locations", [](const EndpointView& v) -> const auto& { return v.endpoint->locations; })
      .stable("dataCenterIds", [](const EndpointView& v) { return texts_or_null(v.endpoint->data_center_ids); })
      .stable("scalerType", [](const EndpointView& v) { return to_text(v.endpoint->scaler_type); })
      .stable("scalerValue", [](const EndpointView& v) { return v.endpoint->scaler_value; })
      .stable("allowedCudaVersions",
              [](const EndpointView& v) -> const auto& { return v.endpoint->allowed_cuda_versions; })
      .stable("minCudaVersion", [](const EndpointView& v) -> const auto& { return v.endpoint->min_cuda_version; })
      .stable("executionTimeoutMs", [](const EndpointView& v) { return integer(v.endpoint->execution_timeout_ms); })
      .stable("requestTTL", [](const EndpointView& v) { return integer(v.endpoint->request_ttl_ms); })
      .stable("flashBootType", [](const EndpointView& v) { return to_text(v.endpoint->flash_boot); })
      .stable("flashEnvironmentId",
              [](const EndpointView& v) -> const auto& { return v.endpoint->flash_environment_id; })
      .stable("type", [](const EndpointView&) { return Value("QB"); })
      .stable("compliance", [](const EndpointView& v) { return texts_or_null(v.endpoint->compliance); })
      .stable("userId", [](const EndpointView& v) -> const auto& { return v.endpoint->owner.str(); })
      .stable("version", [](const EndpointView& v) { return v.endpoint->version; })
      .stable("createdAt", [](const EndpointView& v) { return iso8601(v.endpoint->created); })
      .stable("hubReleaseId", [](const EndpointView& v) -> const auto& { return v.endpoint->hub_release_id; });
}

void bind_endpoint(Schema& schema) {
  bind_endpoint_settings(schema);
  Binder<EndpointView>(schema, "Endpoint")
      .field("env", [&schema](const EndpointView& v) { return env_value(schema, v.endpoint->env); })
      .field("template", [&schema](const EndpointView& v) { return template_value(schema, {&template_of(v)}); })
      .field("pods", [&schema](const EndpointView& v) { return pods_value(schema, v); })
      .stable("networkVolumeId",
              [](const EndpointView& v) {
                return v.endpoint->volumes.empty() ? Value() : Value(v.endpoint->volumes.front().str());
              })
      .field("networkVolumeIds", [&schema](const EndpointView& v) { return volume_ids_value(schema, v); })
      .field("networkVolume", [&schema](const EndpointView& v) { return first_volume_value(schema, v); })
      .stable("modelReferences", [](const EndpointView& v) { return texts_or_null(v.endpoint->model_references); })
      .field("retention", [&schema](const EndpointView& v) { return retention_value(schema, v); })
      .field("workerState",
             [&schema](const EndpointView& v, const Args& args) { return worker_state(schema, v, args); });
  // No fetched models, builds, development pods or endpoint keys.
  bind_nulls<EndpointView>(schema, "Endpoint", {"modelStatus", "activeBuildid", "idePodId", "aiKey"});
  bind_absent<EndpointView>(schema, "Endpoint", {"webhookRequests"});
  Binder<Retention>(schema, "EndpointRetention")
      .field("asyncSeconds", [](const Retention& v) { return Value(v.async_s); })
      .field("syncSeconds", [](const Retention& v) { return Value(v.sync_s); });
  Binder<Sample>(schema, "WorkerState")
      .field("time", [](const Sample& v) { return iso8601(v.time); })
      .field("initialized", [](const Sample& v) { return v.health.initializing; })
      .field("ready", [](const Sample& v) { return v.health.ready; })
      .field("running", [](const Sample& v) { return v.health.running; })
      .field("throttled", [](const Sample& v) { return v.health.throttled; });
}

void bind_volume_ids(Schema& schema) {
  Binder<model::NetworkVolume>(schema, "NetworkVolumeIds")
      .field("networkVolumeId", [](const model::NetworkVolume& v) { return Value(v.id.str()); })
      .field("dataCenterId", [](const model::NetworkVolume& v) { return Value(v.data_center); });
}

Value config_value(const model::Template& value) {
  if (value.config.empty()) return {};
  auto parsed = json::parse(value.config);
  return parsed ? Value::from_json(std::move(*parsed)) : Value();
}

void bind_template(Schema& schema) {
  Binder<model::EnvVar>(schema, "EnvironmentVariable")
      .field("key", [](const model::EnvVar& v) { return Value(v.key); })
      .field("value", [](const model::EnvVar& v) { return Value(v.value); });
  Binder<TemplateView>(schema, "PodTemplate")
      .field("id", [](const TemplateView& v) { return Value(v.value->id.str()); })
      .field("name", [](const TemplateView& v) { return Value(v.value->name); })
      .field("imageName", [](const TemplateView& v) { return Value(v.value->image); })
      .field("dockerArgs", [](const TemplateView& v) { return Value(v.value->docker_args); })
      .field("env", [&schema](const TemplateView& v) { return env_value(schema, v.value->env); })
      .field("ports", [](const TemplateView& v) { return Value(v.value->ports); })
      .field("containerDiskInGb", [](const TemplateView& v) { return Value(v.value->container_disk_gb); })
      .field("containerRegistryAuthId", [](const TemplateView& v) { return text_or_null(v.value->registry_auth_id); })
      .field("volumeInGb", [](const TemplateView& v) { return Value(v.value->volume_gb); })
      .field("volumeMountPath", [](const TemplateView& v) { return Value(v.value->volume_mount_path); })
      .field("isServerless", [](const TemplateView& v) { return Value(v.value->is_serverless); })
      .field("isPublic", [](const TemplateView& v) { return Value(v.value->is_public); })
      .field("isRunpod", [](const TemplateView&) { return Value(false); })
      .field("boundEndpointId",
             [](const TemplateView& v) {
               return v.value->bound_endpoint ? Value(v.value->bound_endpoint->str()) : Value();
             })
      .field("readme", [](const TemplateView& v) { return Value(v.value->readme); })
      .field("advancedStart", [](const TemplateView& v) { return Value(v.value->advanced_start); })
      .field("startJupyter", [](const TemplateView& v) { return Value(v.value->start_jupyter); })
      .field("startSsh", [](const TemplateView& v) { return Value(v.value->start_ssh); })
      .field("startScript", [](const TemplateView& v) { return Value(v.value->start_script); })
      .field("category", [](const TemplateView& v) { return Value(v.value->category); })
      .field("userId", [](const TemplateView& v) { return Value(v.value->owner.str()); })
      .field("config", [](const TemplateView& v) { return config_value(*v.value); })
      .field("portsConfig",
             [&schema](const TemplateView& v) { return objects(schema, "PortConfig", v.value->port_names); })
      .field("allowedCudaVersions", [](const TemplateView&) { return Value(ListValue{}); })
      .field("earned", [](const TemplateView&) { return Value(0.0); })
      .field("runtimeInMin", [](const TemplateView&) { return Value(0); });
  bind_nulls<TemplateView>(schema, "PodTemplate", {"minVram", "minRam"});
  Binder<model::PortName>(schema, "PortConfig")
      .field("port", [](const model::PortName& v) { return Value(v.port); })
      .field("name", [](const model::PortName& v) { return Value(v.name); });
}

tl::expected<graphql::Input, std::string> read_port(graphql::Input given) {
  const auto* number = given.as_int();
  if (given.is_null() || (number && *number >= 0 && *number <= 65'535)) return given;
  return tl::unexpected<std::string>("Port must be a whole number from 0 to 65535");
}

}  // namespace

std::unique_ptr<Schema> make_schema() {
  auto schema = Schema::from_sdl(schema_sdl());
  if (!schema) log::error("{}", schema.error().message);
  ENSURE(schema.has_value());
  bind_endpoint(**schema);
  bind_volume_ids(**schema);
  bind_template(**schema);
  bind_account(**schema);
  bind_workers(**schema);
  bind_catalogue(**schema);
  bind_events(**schema);
  ENSURE((*schema)->attach_scalar("Port", read_port));
  for (const auto& field : (*schema)->unresolved_fields()) log::error("no resolver for {}", field);
  ENSURE((*schema)->unresolved_fields().empty());
  return std::move(*schema);
}

Value endpoint_value(const Schema& schema, EndpointView view) {
  return make_object(schema, "Endpoint", view);
}
Value template_value(const Schema& schema, TemplateView view) {
  return make_object(schema, "PodTemplate", view);
}

}  // namespace penstock::api
