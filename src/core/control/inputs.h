#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/template.h"

namespace penstock::core {

/// One key of a request: not there, there as null, or there with a value. A modify tells these three apart
/// (contract/control-plane 2.3).
template <class T>
class Field {
 public:
  Field() = default;
  Field(T value) : present_(true), value_(std::move(value)) {}
  static Field null() {
    Field field;
    field.present_ = true;
    return field;
  }

  bool absent() const { return !present_; }
  bool is_null() const { return present_ && !value_; }
  bool has_value() const { return value_.has_value(); }
  const T& value() const { return *value_; }

  /// Takes a given value over; absent or null keep what was there.
  void keep_or(T& target) const {
    if (value_) target = *value_;
  }
  /// Takes a given value over; null clears; absent keeps.
  void keep_or_clear(std::optional<T>& target) const {
    if (present_) target = value_;
  }

 private:
  bool present_ = false;
  std::optional<T> value_;
};

/// saveTemplate, and the inline template of saveEndpoint.
struct TemplateInput {
  Field<std::string> id;
  std::string name;
  Field<std::string> image;
  Field<std::int64_t> container_disk_gb;
  Field<std::int64_t> volume_gb;
  Field<std::string> docker_args;
  Field<std::vector<EnvVar>> env;
  Field<std::string> ports;
  Field<std::string> volume_mount_path;
  Field<std::string> registry_auth_id;
  Field<bool> is_serverless;
  Field<bool> is_public;
  Field<std::string> readme;
  Field<bool> advanced_start;
  Field<bool> start_jupyter;
  Field<bool> start_ssh;
  Field<std::string> start_script;
  Field<std::string> category;
  Field<std::string> config;  // JSON text
  Field<std::vector<PortName>> port_names;
};

/// saveEndpoint (contract/control-plane 2.1). Only keys that the request literally had are present.
struct EndpointInput {
  Field<std::string> id;
  std::string name;
  Field<std::string> template_id;
  std::optional<TemplateInput> new_template;
  Field<std::string> gpu_ids;
  Field<std::int64_t> gpu_count;
  Field<std::vector<std::string>> instance_ids;
  Field<std::int64_t> workers_min;
  Field<std::int64_t> workers_max;
  Field<std::int64_t> workers_standby;
  Field<std::int64_t> workers_pfb_target;
  Field<std::int64_t> idle_timeout_s;
  Field<std::string> scaler_type;
  Field<std::int64_t> scaler_value;
  Field<std::string> locations;
  Field<std::vector<std::string>> data_center_ids;
  Field<std::vector<EnvVar>> env;
  Field<std::string> allowed_cuda_versions;
  Field<std::string> min_cuda_version;
  Field<std::int64_t> execution_timeout_ms;
  Field<std::int64_t> request_ttl_ms;
  Field<std::int64_t> retention_async_s;
  Field<std::int64_t> retention_sync_s;
  Field<std::string> flash_boot;
  Field<std::string> flash_environment_id;
  Field<bool> bind_template;
  Field<std::string> type;
  Field<std::vector<std::string>> compliance;
  Field<std::string> hub_release_id;
  Field<std::string> volume_id;
  Field<std::vector<std::string>> volume_ids;
  Field<std::vector<std::string>> model_references;
};

/// createNetworkVolume and updateNetworkVolume.
struct VolumeInput {
  Field<std::string> id;
  Field<std::string> name;
  Field<std::int64_t> size_gb;
  std::string data_center;  // of a create
};

/// secretCreate, secretValueUpdate and secretDescriptionUpdate. The value comes sealed.
struct SecretInput {
  Field<std::string> id;
  std::string name;  // of a create
  Field<std::string> description;
  Field<std::string> sealed;
};

/// saveRegistryAuth and updateRegistryAuth. User name and password come sealed.
struct CredentialInput {
  Field<std::string> id;
  std::string name;  // of a create
  std::string sealed;
};

}  // namespace penstock::core
