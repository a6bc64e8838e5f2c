#include "core/fleet/releases.h"

#include <map>

#include "base/text.h"

namespace penstock::core {
namespace {

using Text = std::optional<std::string>;

Text shown(const std::string& value) {
  return value.empty() ? Text() : Text(value);
}
Text shown(int value) {
  return std::to_string(value);
}
Text shown(const Text& value) {
  return value;
}
Text shown(const TemplateId& value) {
  return value.str();
}
Text shown(const std::vector<std::string>& values) {
  return values.empty() ? Text() : Text(join(values, ","));
}
Text shown(const std::vector<VolumeId>& values) {
  std::vector<std::string> texts;
  for (const VolumeId& id : values) texts.push_back(id.str());
  return shown(texts);
}

template <class Value>
void compare(std::vector<SettingChange>& out, const char* field, const Value& before, const Value& after) {
  if (before != after) out.push_back({field, shown(before), shown(after)});
}

/// By variable; a change of their order alone is one of the whole.
void compare_env(std::vector<SettingChange>& out, const std::string& field, const std::vector<EnvVar>& before,
                 const std::vector<EnvVar>& after) {
  if (before == after) return;
  std::map<std::string, std::pair<Text, Text>> variables;
  for (const EnvVar& variable : before) variables[variable.key].first = variable.value;
  for (const EnvVar& variable : after) variables[variable.key].second = variable.value;
  const std::size_t known = out.size();
  for (auto& [key, values] : variables) {
    if (values.first != values.second) out.push_back({field + "." + key, values.first, values.second});
  }
  if (out.size() == known) out.push_back({field, "(in another order)", std::nullopt});
}

}  // namespace

ReleaseSettings settings_of(const Endpoint& e, const Template& t) {
  ReleaseSettings out;
  out.template_id = t.id;
  out.gpu_ids = e.gpu_ids;
  out.gpu_count = e.gpu_count;
  out.instance_ids = e.instance_ids;
  out.allowed_cuda_versions = e.allowed_cuda_versions;
  out.min_cuda_version = e.min_cuda_version;
  out.locations = e.locations;
  out.data_center_ids = e.data_center_ids;
  out.env = e.env;
  out.volumes = e.volumes;
  out.image = t.image;
  out.docker_args = t.docker_args;
  out.template_env = t.env;
  out.ports = t.ports;
  out.container_disk_gb = t.container_disk_gb;
  out.volume_mount_path = t.volume_mount_path;
  out.registry_auth_id = t.registry_auth_id;
  out.start_script = t.start_script;
  return out;
}

std::vector<SettingChange> changes_between(const ReleaseSettings& before, const ReleaseSettings& after) {
  std::vector<SettingChange> out;
  compare(out, "templateId", before.template_id, after.template_id);
  compare(out, "gpuIds", before.gpu_ids, after.gpu_ids);
  compare(out, "gpuCount", before.gpu_count, after.gpu_count);
  compare(out, "instanceIds", before.instance_ids, after.instance_ids);
  compare(out, "allowedCudaVersions", before.allowed_cuda_versions, after.allowed_cuda_versions);
  compare(out, "minCudaVersion", before.min_cuda_version, after.min_cuda_version);
  compare(out, "locations", before.locations, after.locations);
  compare(out, "dataCenterIds", before.data_center_ids, after.data_center_ids);
  compare(out, "networkVolumeIds", before.volumes, after.volumes);
  compare_env(out, "env", before.env, after.env);
  compare(out, "template.imageName", before.image, after.image);
  compare(out, "template.dockerArgs", before.docker_args, after.docker_args);
  compare_env(out, "template.env", before.template_env, after.template_env);
  compare(out, "template.ports", before.ports, after.ports);
  compare(out, "template.containerDiskInGb", before.container_disk_gb, after.container_disk_gb);
  compare(out, "template.volumeMountPath", before.volume_mount_path, after.volume_mount_path);
  compare(out, "template.containerRegistryAuthId", before.registry_auth_id, after.registry_auth_id);
  compare(out, "template.startScript", before.start_script, after.start_script);
  return out;
}

void put_back(const ReleaseSettings& settings, Endpoint& e) {
  e.template_id = settings.template_id;
  e.gpu_ids = settings.gpu_ids;
  e.gpu_count = settings.gpu_count;
  e.instance_ids = settings.instance_ids;
  e.allowed_cuda_versions = settings.allowed_cuda_versions;
  e.min_cuda_version = settings.min_cuda_version;
  e.locations = settings.locations;
  e.data_center_ids = settings.data_center_ids;
  e.env = settings.env;
  e.volumes = settings.volumes;
}

void put_back(const ReleaseSettings& settings, Template& t) {
  t.image = settings.image;
  t.docker_args = settings.docker_args;
  t.env = settings.template_env;
  t.ports = settings.ports;
  t.container_disk_gb = settings.container_disk_gb;
  t.volume_mount_path = settings.volume_mount_path;
  t.registry_auth_id = settings.registry_auth_id;
  t.start_script = settings.start_script;
}

}  // namespace penstock::core
