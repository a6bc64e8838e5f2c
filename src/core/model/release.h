#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/endpoint.h"
#include "core/model/template.h"

namespace penstock::core {

/// One setting that a release changed, in words. Nothing: it had no value.
struct SettingChange {
  std::string field;  // "gpuIds", "template.imageName", "env.MODEL"
  std::optional<std::string> before;
  std::optional<std::string> after;

  friend bool operator==(const SettingChange&, const SettingChange&) = default;
};

/// What a version of an endpoint runs: all settings whose change needs fresh workers (contract/control-plane 2.2).
struct ReleaseSettings {
  TemplateId template_id;
  std::string gpu_ids;
  int gpu_count = 1;
  std::vector<std::string> instance_ids;
  std::optional<std::string> allowed_cuda_versions;
  std::optional<std::string> min_cuda_version;
  std::optional<std::string> locations;
  std::vector<std::string> data_center_ids;
  std::vector<EnvVar> env;
  std::vector<VolumeId> volumes;
  // of the template
  std::string image;
  std::string docker_args;
  std::vector<EnvVar> template_env;
  std::string ports;
  int container_disk_gb = 0;
  std::string volume_mount_path;
  std::string registry_auth_id;
  std::string start_script;

  friend bool operator==(const ReleaseSettings&, const ReleaseSettings&) = default;
};

struct Release {
  EndpointId endpoint;
  int version = 0;
  Time created{};
  std::optional<int> rollback_of;      // it was made to be as this version was
  std::vector<SettingChange> changes;  // from the version before; none of the first one
  ReleaseSettings settings;

  friend bool operator==(const Release&, const Release&) = default;
};

/// Releases kept of an endpoint: the newest.
inline constexpr int kReleasesKept = 100;

}  // namespace penstock::core
