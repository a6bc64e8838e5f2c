#include <algorithm>

#include "api/graphql/resolvers.h"
#include "api/graphql/values.h"
#include "core/control/catalogue.h"

// Workers, shown as pods.

namespace penstock::api {
namespace {

using graphql::Binder;
using graphql::ListValue;
using graphql::make_object;
using graphql::Schema;
using graphql::Value;
namespace model = ::penstock::core;

struct GpuView {
  std::string id;
  std::string worker;
};
struct MachineView {
  const Core* core;
  const model::Node* node;
  const model::Placement* placement;
};

const model::Template& template_of(const WorkerOfEndpoint& v) {
  return *v.core->engine().find_template(v.endpoint->template_id);
}

/// The endpoint's variables win over the template's.
Value env_texts(const WorkerOfEndpoint& v) {
  const auto& over = v.endpoint->env;
  ListValue out;
  for (const auto& variable : template_of(v).env) {
    if (std::ranges::find(over, variable.key, &model::EnvVar::key) != over.end()) continue;
    out.emplace_back(variable.key + "=" + variable.value);
  }
  for (const auto& variable : over) out.emplace_back(variable.key + "=" + variable.value);
  return Value(std::move(out));
}

/// What a CPU worker was asked to be.
std::optional<model::CpuInstance> instance_of(const WorkerOfEndpoint& v) {
  if (!v.endpoint->is_cpu()) return std::nullopt;
  return model::parse_instance_id(v.endpoint->instance_ids.front());
}

VolumeId volume_of(const WorkerOfEndpoint& v) {
  return v.core->engine().volume_at(*v.endpoint, v.worker.worker.placement);
}

// Null for an external worker, and for one whose node is no longer configured.
Value machine_value(const Schema& schema, const WorkerOfEndpoint& v) {
  const model::Placement& placement = v.worker.worker.placement;
  for (const auto& node : v.core->engine().fleet().nodes()) {
    if (node.name == placement.node)
      return make_object(schema, "PodMachineInfo", MachineView{v.core, &node, &placement});
  }
  return {};
}

Value gpu_type_of(const Schema& schema, const MachineView& v) {
  const auto* type = model::find_gpu_type(v.placement->gpu_type);
  return type ? gpu_type_value(schema, *v.core, *type) : Value();
}

void bind_machine(Schema& schema) {
  Binder<MachineView>(schema, "PodMachineInfo")
      .field("id", [](const MachineView& v) { return Value(v.node->name); })
      .field("gpuDisplayName",
             [](const MachineView& v) {
               const auto* type = model::find_gpu_type(v.placement->gpu_type);
               return text_or_null(type ? type->display_name : v.placement->gpu_type);
             })
      .field("gpuTypeId", [](const MachineView& v) { return text_or_null(v.placement->gpu_type); })
      .field("gpuType", [&schema](const MachineView& v) { return gpu_type_of(schema, v); })
      .field("gpuAvailable",
             [](const MachineView& v) {
               return Value(v.core->engine().fleet().count(*v.node, v.placement->gpu_type).free);
             })
      .field("location", [](const MachineView& v) { return text_or_null(v.node->location); })
      .field("dataCenterId", [](const MachineView& v) { return Value(data_center_of(*v.node)); })
      .field("machineType", [](const MachineView& v) { return Value(v.placement->gpus.empty() ? "CPU" : "GPU"); })
      .field("secureCloud", [](const MachineView&) { return Value(true); })
      .field("listed", [](const MachineView&) { return Value(true); })
      .field("minPodGpuCount", [](const MachineView&) { return Value(1); });
  bind_constant<MachineView>(schema, "PodMachineInfo", Value(0.0), {"costPerHr", "currentPricePerGpu"});
  bind_nulls<MachineView>(
      schema, "PodMachineInfo",
      {"podHostId", "supportPublicIp", "note", "runpodIp", "machineSystem", "diskMBps", "maxDownloadSpeedMbps",
       "maxUploadSpeedMbps", "maintenanceStart", "maintenanceEnd", "maintenanceNote", "cpuTypeId", "cpuType",
       "cpuCount", "vcpuTotal", "vcpuReserved", "memoryTotal", "memoryReserved"});
}

Value gpus_value(const Schema& schema, const WorkerOfEndpoint& v) {
  std::vector<GpuView> gpus;
  for (const int index : v.worker.worker.placement.gpus) {
    gpus.push_back({std::to_string(index), v.worker.worker.id.str()});
  }
  return objects(schema, "Gpu", gpus);
}

void bind_pod_template(Schema& schema) {
  Binder<WorkerOfEndpoint>(schema, "Pod")
      .field("imageName", [](const WorkerOfEndpoint& v) { return Value(template_of(v).image); })
      .field("dockerArgs", [](const WorkerOfEndpoint& v) { return Value(template_of(v).docker_args); })
      .field("env", env_texts)
      .field("ports", [](const WorkerOfEndpoint& v) { return text_or_null(template_of(v).ports); })
      .field("containerDiskInGb", [](const WorkerOfEndpoint& v) { return Value(template_of(v).container_disk_gb); })
      .field("volumeInGb", [](const WorkerOfEndpoint& v) { return Value(template_of(v).volume_gb); })
      .field("volumeMountPath",
             [](const WorkerOfEndpoint& v) { return text_or_null(template_of(v).volume_mount_path); })
      .field("containerRegistryAuthId",
             [](const WorkerOfEndpoint& v) { return text_or_null(template_of(v).registry_auth_id); })
      .field("templateId", [](const WorkerOfEndpoint& v) { return Value(v.endpoint->template_id.str()); })
      .field("endpoint", [&schema](const WorkerOfEndpoint& v) { return endpoint_value(schema, {v.core, v.endpoint}); });
}

}  // namespace

void bind_workers(Schema& schema) {
  const auto when = [](const std::optional<Time>& time) { return time ? Value(iso8601(*time)) : Value(); };
  bind_machine(schema);
  bind_pod_template(schema);
  Binder<WorkerOfEndpoint>(schema, "Pod")
      .field("id", [](const WorkerOfEndpoint& v) { return Value(v.worker.worker.id.str()); })
      .field("name",
             [](const WorkerOfEndpoint& v) {
               return Value(v.endpoint->name + (v.worker.worker.external ? " (external)" : ""));
             })
      .field("machineId",
             [](const WorkerOfEndpoint& v) {
               return Value(v.worker.worker.external ? "external" : v.worker.worker.placement.node);
             })
      .field("machine", [&schema](const WorkerOfEndpoint& v) { return machine_value(schema, v); })
      .field("desiredStatus",
             [](const WorkerOfEndpoint& v) {
               return Value(v.worker.status == model::WorkerStatus::draining ? "EXITED" : "RUNNING");
             })
      .field("gpuCount",
             [](const WorkerOfEndpoint& v) { return Value(static_cast<int>(v.worker.worker.placement.gpus.size())); })
      .field("uptimeSeconds",
             [](const WorkerOfEndpoint& v) {
               return Value(
                   static_cast<std::int64_t>((v.core->now() - v.worker.worker.created) / std::chrono::seconds{1}));
             })
      .field("lastStartedAt", [when](const WorkerOfEndpoint& v) { return when(v.worker.worker.ready); })
      .field("createdAt", [](const WorkerOfEndpoint& v) { return Value(iso8601(v.worker.worker.created)); })
      .field("slsVersion", [](const WorkerOfEndpoint& v) { return Value(v.worker.worker.release); })
      .field("vcpuCount",
             [](const WorkerOfEndpoint& v) {
               const auto instance = instance_of(v);
               return Value(instance ? double(instance->vcpu) : 0.0);
             })
      .field("memoryInGb",
             [](const WorkerOfEndpoint& v) {
               const auto instance = instance_of(v);
               return Value(instance ? double(instance->ram_gb) : 0.0);
             })
      .field("version", [](const WorkerOfEndpoint& v) { return Value(v.worker.worker.release); })
      .field("machineType", [](const WorkerOfEndpoint& v) { return Value(v.endpoint->is_cpu() ? "CPU" : "GPU"); })
      .field("cpuFlavorId",
             [](const WorkerOfEndpoint& v) {
               const auto instance = instance_of(v);
               return instance ? Value(instance->flavour->id) : Value();
             })
      .field("cpuFlavor",
             [&schema](const WorkerOfEndpoint& v) {
               const auto instance = instance_of(v);
               return instance ? cpu_flavour_value(schema, *v.core, *instance->flavour) : Value();
             })
      .field("gpus", [&schema](const WorkerOfEndpoint& v) { return gpus_value(schema, v); })
      .field("networkVolumeId", [](const WorkerOfEndpoint& v) { return text_or_null(volume_of(v).str()); })
      .field("networkVolume", [&schema](const WorkerOfEndpoint& v) {
        const auto* volume = v.core->engine().find_volume(volume_of(v));
        return volume ? volume_value(schema, {v.core, volume}) : Value();
      });
  bind_constant<WorkerOfEndpoint>(schema, "Pod", Value(0.0), {"costPerHr", "adjustedCostPerHr"});
  bind_constant<WorkerOfEndpoint>(schema, "Pod", Value(1.0), {"costMultiplier"});
  bind_constant<WorkerOfEndpoint>(schema, "Pod", Value(false), {"locked", "volumeEncrypted"});
  bind_constant<WorkerOfEndpoint>(schema, "Pod", Value(ListValue{}), {"savingsPlans"});
  // A worker is a process of this machine: no container, no mapped port, nothing measured inside.
  bind_nulls<WorkerOfEndpoint>(
      schema, "Pod",
      {"podType", "dockerId", "port", "lastStatusChange", "runtime", "latestTelemetry", "aiApiId", "apiKey",
       "consumerUserId", "gpuPowerLimitPercent", "lowestBidPriceToResume", "volumeKey"});
  Binder<GpuView>(schema, "Gpu")
      .field("id", [](const GpuView& v) { return Value(v.id); })
      .field("podId", [](const GpuView& v) { return Value(v.worker); });
}

Value worker_value(const Schema& schema, WorkerOfEndpoint view) {
  return make_object(schema, "Pod", std::move(view));
}

}  // namespace penstock::api
