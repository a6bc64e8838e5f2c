#include "api/graphql/resolvers.h"
#include "api/graphql/values.h"

// Workers, shown as pods.

namespace penstock::api {
namespace {

using graphql::Binder;
using graphql::ListValue;
using graphql::make_object;
using graphql::Schema;
using graphql::Value;
namespace model = ::penstock::core;

struct MachineView {
  const model::Node* node;
  const model::Placement* placement;
};

const model::Template& template_of(const WorkerOfEndpoint& v) {
  return *v.core->engine().find_template(v.endpoint->template_id);
}

Value env_texts(const WorkerOfEndpoint& v) {
  ListValue out;
  for (const auto* env : {&template_of(v).env, &v.endpoint->env}) {
    for (const auto& variable : *env) out.emplace_back(variable.key + "=" + variable.value);
  }
  return Value(std::move(out));
}

// Null for an external worker, and for one whose node is no longer configured.
Value machine_value(const Schema& schema, const WorkerOfEndpoint& v) {
  const model::Placement& placement = v.worker.worker.placement;
  for (const auto& node : v.core->engine().fleet().nodes()) {
    if (node.name == placement.node) return make_object(schema, "PodMachineInfo", MachineView{&node, &placement});
  }
  return {};
}

void bind_machine(Schema& schema) {
  Binder<MachineView>(schema, "PodMachineInfo")
      .field("id", [](const MachineView& v) { return Value(v.node->name); })
      .field("podHostId", [](const MachineView&) { return Value(); })
      .field("gpuDisplayName", [](const MachineView& v) { return text_or_null(v.placement->gpu_type); })
      .field("gpuTypeId", [](const MachineView& v) { return text_or_null(v.placement->gpu_type); })
      .field("location", [](const MachineView& v) { return text_or_null(v.node->location); })
      .field("dataCenterId", [](const MachineView& v) { return text_or_null(v.node->data_center); });
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
      .field("templateId", [](const WorkerOfEndpoint& v) { return Value(v.endpoint->template_id.str()); })
      .field("endpoint", [&schema](const WorkerOfEndpoint& v) { return endpoint_value(schema, {v.core, v.endpoint}); });
}

}  // namespace

void bind_workers(Schema& schema) {
  const auto when = [](const std::optional<Time>& time) { return time ? Value(iso8601(*time)) : Value(); };
  const auto nothing = [](const WorkerOfEndpoint&) { return Value(); };
  const auto zero = [](const WorkerOfEndpoint&) { return Value(0); };
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
      .field("vcpuCount", zero)
      .field("memoryInGb", zero)
      .field("costPerHr", zero)
      // A worker is a process of this machine: no container, no mapped port, nothing measured inside.
      .field("podType", nothing)
      .field("dockerId", nothing)
      .field("port", nothing)
      .field("networkVolumeId",
             [](const WorkerOfEndpoint& v) {
               return text_or_null(v.core->engine().volume_at(*v.endpoint, v.worker.worker.placement).str());
             })
      .field("lastStatusChange", nothing)
      .field("runtime", nothing);
}

Value worker_value(const Schema& schema, WorkerOfEndpoint view) {
  return make_object(schema, "Pod", std::move(view));
}

}  // namespace penstock::api
