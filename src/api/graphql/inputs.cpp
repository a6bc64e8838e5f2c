#include "api/graphql/inputs.h"

#include "json/json.h"

namespace penstock::api {
namespace {

using core::Field;
using graphql::Input;

std::string required(const Input& input, const char* key) {
  return *input.find(key)->value.as_string();
}

/// The key as a Field: absent when the request did not write it, also when the schema has a default for it. The core
/// knows the defaults, and when they apply.
template <class T, class Convert>
Field<T> field(const Input& input, const char* key, Convert convert) {
  const graphql::InputField* found = input.find(key);
  if (!found || !found->given) return {};
  if (found->value.is_null()) return Field<T>::null();
  return Field<T>(convert(found->value));
}

Field<std::string> text(const Input& input, const char* key) {
  return field<std::string>(input, key, [](const Input& value) { return *value.as_string(); });
}

Field<std::int64_t> number(const Input& input, const char* key) {
  return field<std::int64_t>(input, key, [](const Input& value) { return *value.as_int(); });
}

Field<bool> flag(const Input& input, const char* key) {
  return field<bool>(input, key, [](const Input& value) { return *value.as_bool(); });
}

/// Of a JSON scalar, which may be anything.
json::Value json_of(const Input& input) {
  if (const auto* value = input.as_bool()) return *value;
  if (const auto* value = input.as_int()) return *value;
  if (const auto* value = input.as_double()) return *value;
  if (const auto* value = input.as_string()) return *value;
  if (const auto* items = input.as_list()) {
    json::Array out;
    for (const Input& item : *items) out.push_back(json_of(item));
    return out;
  }
  const auto* fields = input.as_object();
  if (!fields) return {};
  json::Object out;
  for (const auto& one : *fields) out.push_back({one.name, json_of(one.value)});
  return out;
}

Field<std::vector<std::string>> texts(const Input& input, const char* key) {
  return field<std::vector<std::string>>(input, key, [](const Input& value) {
    std::vector<std::string> out;
    for (const Input& item : *value.as_list()) {
      if (item.as_string()) out.push_back(*item.as_string());
    }
    return out;
  });
}

Field<std::vector<core::EnvVar>> variables(const Input& input, const char* key) {
  return field<std::vector<core::EnvVar>>(input, key, [](const Input& value) {
    std::vector<core::EnvVar> out;
    for (const Input& item : *value.as_list()) {
      if (!item.is_null()) out.push_back({required(item, "key"), required(item, "value")});
    }
    return out;
  });
}

bool names_something(const Input& input, const char* key) {
  const graphql::InputField* found = input.find(key);
  if (!found || found->value.is_null()) return false;
  const auto* list = found->value.as_list();
  const auto* word = found->value.as_string();
  return list ? !list->empty() : word ? !word->empty() : true;
}

}  // namespace

core::TemplateInput template_input(const Input& input) {
  core::TemplateInput out;
  out.id = text(input, "id");
  out.name = required(input, "name");
  out.image = text(input, "imageName");
  out.container_disk_gb = number(input, "containerDiskInGb");
  out.volume_gb = number(input, "volumeInGb");
  out.docker_args = text(input, "dockerArgs");
  out.env = variables(input, "env");
  out.ports = text(input, "ports");
  out.volume_mount_path = text(input, "volumeMountPath");
  out.registry_auth_id = text(input, "containerRegistryAuthId");
  out.is_serverless = flag(input, "isServerless");
  out.is_public = flag(input, "isPublic");
  out.readme = text(input, "readme");
  out.advanced_start = flag(input, "advancedStart");
  out.start_jupyter = flag(input, "startJupyter");
  out.start_ssh = flag(input, "startSsh");
  out.start_script = text(input, "startScript");
  out.category = text(input, "category");
  out.config = field<std::string>(input, "config", [](const Input& value) { return json::write(json_of(value)); });
  out.port_names = field<std::vector<core::PortName>>(input, "portsConfig", [](const Input& value) {
    std::vector<core::PortName> names;
    for (const Input& item : *value.as_list()) {
      if (!item.is_null()) names.push_back({required(item, "port"), required(item, "name")});
    }
    return names;
  });
  return out;
}

Result<core::EndpointInput> endpoint_input(const Input& input) {
  for (const char* key : {"repo", "cloudStorageConfig"}) {
    if (names_something(input, key)) {
      return fail(Errc::not_implemented, std::string(key) + " is not implemented by this server");
    }
  }
  core::EndpointInput out;
  out.id = text(input, "id");
  out.name = required(input, "name");
  out.template_id = text(input, "templateId");
  const graphql::InputField* made = input.find("template");
  if (made && !made->value.is_null()) out.new_template = template_input(made->value);
  out.gpu_ids = text(input, "gpuIds");
  out.gpu_count = number(input, "gpuCount");
  out.instance_ids = texts(input, "instanceIds");
  out.workers_min = number(input, "workersMin");
  out.workers_max = number(input, "workersMax");
  out.workers_standby = number(input, "workersStandby");
  out.workers_pfb_target = number(input, "workersPFBTarget");
  out.idle_timeout_s = number(input, "idleTimeout");
  out.scaler_type = text(input, "scalerType");
  out.scaler_value = number(input, "scalerValue");
  out.locations = text(input, "locations");
  out.data_center_ids = texts(input, "dataCenterIds");
  out.env = variables(input, "env");
  out.allowed_cuda_versions = text(input, "allowedCudaVersions");
  out.min_cuda_version = text(input, "minCudaVersion");
  out.execution_timeout_ms = number(input, "executionTimeoutMs");
  out.request_ttl_ms = number(input, "requestTTL");
  if (const graphql::InputField* retention = input.find("retention")) {
    const bool cleared = retention->value.is_null();
    out.retention_async_s = cleared ? Field<std::int64_t>::null() : number(retention->value, "asyncSeconds");
    out.retention_sync_s = cleared ? Field<std::int64_t>::null() : number(retention->value, "syncSeconds");
  }
  out.flash_boot = text(input, "flashBootType");
  out.flash_environment_id = text(input, "flashEnvironmentId");
  out.bind_template = flag(input, "bindEndpoint");
  out.type = text(input, "type");
  out.compliance = texts(input, "compliance");
  out.hub_release_id = text(input, "hubReleaseId");
  out.model_references = texts(input, "modelReferences");
  out.volume_id = text(input, "networkVolumeId");
  out.volume_ids = field<std::vector<std::string>>(input, "networkVolumeIds", [](const Input& value) {
    std::vector<std::string> ids;
    for (const Input& item : *value.as_list()) {
      if (!item.is_null()) ids.push_back(required(item, "networkVolumeId"));
    }
    return ids;
  });
  return out;
}

core::VolumeInput volume_input(const Input& input) {
  core::VolumeInput out;
  out.id = text(input, "id");
  out.name = text(input, "name");
  out.size_gb = number(input, "size");
  if (const auto* place = input.find("dataCenterId")) out.data_center = *place->value.as_string();
  return out;
}

core::SecretInput secret_input(const Input& input) {
  core::SecretInput out;
  out.id = text(input, "id");
  if (const auto* name = input.find("name")) out.name = *name->value.as_string();
  out.description = text(input, "description");
  return out;
}

core::Field<std::string> pub_key_input(const Input& input) {
  return text(input, "pubKey");
}

}  // namespace penstock::api
