#include "core/control/endpoint_rules.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "core/control/catalogue.h"
#include "core/control/checks.h"
#include "core/control/gpu_pools.h"
#include "core/fleet/cuda.h"

namespace penstock::core {
namespace {

constexpr std::size_t kEnvVarsMax = 1'000;
constexpr std::size_t kListMax = 100;
constexpr std::size_t kConfigBytesMax = 64 * 1024;
constexpr std::int64_t kWeekMs = 604'800'000;
constexpr std::int64_t kYearSeconds = 31'536'000;

void check_env(const std::vector<EnvVar>& variables, Checks& checks) {
  checks.require(variables.size() <= kEnvVarsMax, "env has " + std::to_string(variables.size()) +
                                                      " variables; at most " + std::to_string(kEnvVarsMax) +
                                                      " are accepted");
  for (const EnvVar& variable : variables) {
    const bool fine = !variable.key.empty() && variable.key.find_first_of(std::string("=\0", 2)) == std::string::npos;
    checks.require(fine, "env key \"" + variable.key + "\" is not a name: it may not be empty or contain '='");
    checks.require(variable.value.find('\0') == std::string::npos,
                   "env value of \"" + variable.key + "\" contains a NUL byte");
  }
}

/// A whole number that has a default in the schema: null counts as absent (2.3 b).
void take_int(const char* name, const Field<std::int64_t>& field, std::int64_t low, std::int64_t high, int fallback,
              bool reset, int& target, Checks& checks) {
  if (field.has_value()) {
    checks.range(name, field.value(), low, high);
    if (!checks.failed()) target = static_cast<int>(field.value());
  } else if (reset) {
    target = fallback;
  }
}

void take_scaling(Endpoint& e, const EndpointInput& in, bool reset, const EngineSettings& settings, Checks& checks) {
  const auto& quota = settings.workers_quota;
  take_int("workersMin", in.workers_min, 0, 100'000, 0, reset, e.workers_min, checks);
  take_int("workersMax", in.workers_max, 0, 100'000, std::min(3, quota), reset, e.workers_max, checks);
  take_int("workersPFBTarget", in.workers_pfb_target, 0, 100'000, 0, reset, e.workers_pfb_target, checks);
  take_int("idleTimeout", in.idle_timeout_s, 1, 3'600, 10, reset, e.idle_timeout_s, checks);
  if (in.scaler_value.has_value()) checks.require(in.scaler_value.value() >= 1, "Scaler value cannot be less than 1.");
  take_int("scalerValue", in.scaler_value, 1, 1'000'000, 4, reset, e.scaler_value, checks);
  if (in.scaler_type.has_value()) {
    const auto type = parse_scaler_type(in.scaler_type.value());
    checks.require(type.has_value(),
                   "scalerType is \"" + in.scaler_type.value() + "\"; QUEUE_DELAY and REQUEST_COUNT are accepted");
    if (type) e.scaler_type = *type;
  }
  checks.require(e.workers_min <= e.workers_max, "workersMin is " + std::to_string(e.workers_min) +
                                                     "; it must not be above workersMax, which is " +
                                                     std::to_string(e.workers_max));
  if (in.workers_standby.has_value()) {
    checks.range("workersStandby", in.workers_standby.value(), 0, e.workers_max);
    e.workers_standby = static_cast<int>(in.workers_standby.value());
  }
}

void take_timeouts(Endpoint& e, const EndpointInput& in, Checks& checks) {
  in.execution_timeout_ms.keep_or_clear(e.execution_timeout_ms);
  if (e.execution_timeout_ms.value_or(0) != 0) {
    checks.range("executionTimeoutMs", *e.execution_timeout_ms, 5'000, kWeekMs);
  }
  in.request_ttl_ms.keep_or_clear(e.request_ttl_ms);
  if (e.request_ttl_ms) checks.range("requestTTL", *e.request_ttl_ms, 10'000, kWeekMs);
  in.retention_async_s.keep_or_clear(e.retention_async_s);
  if (e.retention_async_s) checks.range("retention.asyncSeconds", *e.retention_async_s, 1, kYearSeconds);
  in.retention_sync_s.keep_or_clear(e.retention_sync_s);
  if (e.retention_sync_s) checks.range("retention.syncSeconds", *e.retention_sync_s, 1, kYearSeconds);
}

void take_hardware(Endpoint& e, const EndpointInput& in, bool reset, Checks& checks) {
  const bool names_gpus = in.gpu_ids.has_value() && !trim(in.gpu_ids.value()).empty();
  if (in.instance_ids.has_value()) {
    e.instance_ids = in.instance_ids.value();
  } else if (in.instance_ids.is_null() || reset || names_gpus) {
    e.instance_ids.clear();
  }
  checks.require(e.instance_ids.size() <= kListMax, "instanceIds has too many entries");
  for (const auto& id : e.instance_ids) {
    checks.require(parse_instance_id(id).has_value(),
                   "instanceIds has \"" + id + "\"; an instance is <flavour>-<vcpu>-<ramGB>, such as cpu3c-2-4");
  }
  if (names_gpus) {
    auto selection = parse_gpu_ids(in.gpu_ids.value());
    checks.require(selection.has_value(), selection ? "" : selection.error().message);
    if (selection) e.gpu_ids = selection->text;
  }
  checks.require(e.is_cpu() || !e.gpu_ids.empty(), "gpuId(s) is required for a gpu endpoint");
  take_int("gpuCount", in.gpu_count, 1, 64, 1, reset, e.gpu_count, checks);
}

void take_placement(Endpoint& e, const EndpointInput& in, Checks& checks) {
  in.locations.keep_or_clear(e.locations);
  if (e.locations && e.locations->empty()) e.locations.reset();
  if (in.data_center_ids.has_value()) e.data_center_ids = in.data_center_ids.value();
  if (in.data_center_ids.is_null()) e.data_center_ids.clear();
  checks.require(e.data_center_ids.size() <= kListMax, "dataCenterIds has too many entries");
  in.allowed_cuda_versions.keep_or_clear(e.allowed_cuda_versions);
  in.min_cuda_version.keep_or_clear(e.min_cuda_version);
  if (e.allowed_cuda_versions && e.allowed_cuda_versions->empty()) e.allowed_cuda_versions.reset();
  if (e.min_cuda_version && e.min_cuda_version->empty()) e.min_cuda_version.reset();
  const auto check_versions = [&](const char* name, const std::optional<std::string>& value) {
    checks.require(!value || lowest_version(*value).has_value(),
                   std::string(name) + " is \"" + value.value_or("") + "\"; versions such as 12.4 are accepted");
  };
  check_versions("allowedCudaVersions", e.allowed_cuda_versions);
  check_versions("minCudaVersion", e.min_cuda_version);
  if (in.compliance.has_value()) e.compliance = in.compliance.value();
  if (in.compliance.is_null()) e.compliance.clear();
}

void take_kind(Endpoint& e, const EndpointInput& in, bool creating, Checks& checks) {
  if (in.flash_boot.has_value() && !in.flash_boot.value().empty()) {
    const auto flash_boot = parse_flash_boot(in.flash_boot.value());
    checks.require(flash_boot.has_value(), "flashBootType is \"" + in.flash_boot.value() +
                                               "\"; OFF, FLASHBOOT and PRIORITY_FLASHBOOT are accepted");
    if (flash_boot) e.flash_boot = *flash_boot;
  } else if (creating && e.name.ends_with("-fb")) {
    e.flash_boot = FlashBoot::flashboot;
  }
  if (in.type.has_value()) {
    checks.require(in.type.value() == "QB" || in.type.value() == "LB",
                   "type is \"" + in.type.value() + "\"; QB and LB are the types of endpoints");
    checks.require(in.type.value() == "QB", "type LB (load-balancing endpoints) is not implemented by this server",
                   Errc::not_implemented);
  }
}

}  // namespace

Result<Endpoint> with_input(Endpoint e, const EndpointInput& in, bool creating, const EngineSettings& settings) {
  const bool reset = creating || settings.modify_resets_defaults;
  Checks checks;
  e.name = in.name;
  checks.require(e.name.size() >= 3, "Endpoint name must be at least 3 characters");
  checks.require(e.name.size() <= 191, "Endpoint name must be at most 191 characters");
  take_hardware(e, in, reset, checks);
  take_scaling(e, in, reset, settings, checks);
  take_timeouts(e, in, checks);
  take_placement(e, in, checks);
  take_kind(e, in, creating, checks);
  if (in.env.has_value()) e.env = in.env.value();
  if (in.env.is_null()) e.env.clear();
  check_env(e.env, checks);
  in.flash_environment_id.keep_or_clear(e.flash_environment_id);
  in.hub_release_id.keep_or_clear(e.hub_release_id);
  in.bind_template.keep_or(e.binds_template);
  if (in.model_references.has_value()) e.model_references = in.model_references.value();
  if (in.model_references.is_null()) e.model_references.clear();
  checks.require(e.model_references.size() <= kListMax, "modelReferences has too many entries");
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return e;
}

bool needs_release(const Endpoint& before, const Endpoint& after) {
  const auto structural = [](const Endpoint& e) {
    return std::tie(e.template_id, e.env, e.gpu_ids, e.gpu_count, e.instance_ids, e.allowed_cuda_versions,
                    e.min_cuda_version, e.locations, e.data_center_ids, e.volumes);
  };
  return structural(before) != structural(after);
}

bool needs_release(const Template& before, const Template& after) {
  const auto structural = [](const Template& t) {
    return std::tie(t.image, t.docker_args, t.env, t.ports, t.container_disk_gb, t.volume_mount_path,
                    t.registry_auth_id, t.start_script);
  };
  return structural(before) != structural(after);
}

namespace {

/// What is kept for clients and changes nothing here.
void take_extras(Template& t, const TemplateInput& in, Checks& checks) {
  in.config.keep_or(t.config);
  if (in.config.is_null()) t.config.clear();
  checks.require(t.config.size() <= kConfigBytesMax, "config has " + std::to_string(t.config.size()) +
                                                         " bytes of JSON; at most " + std::to_string(kConfigBytesMax) +
                                                         " are accepted");
  in.port_names.keep_or(t.port_names);
  if (in.port_names.is_null()) t.port_names.clear();
  checks.require(t.port_names.size() <= kListMax, "portsConfig has " + std::to_string(t.port_names.size()) +
                                                      " entries; at most " + std::to_string(kListMax) +
                                                      " are accepted");
}

}  // namespace

Result<Template> with_input(Template t, const TemplateInput& in, bool creating, const EngineSettings& settings) {
  Checks checks;
  t.name = in.name;
  checks.require(!trim(t.name).empty(), "Template name must not be empty");
  checks.require(t.name.size() <= 191, "Template name must be at most 191 characters");
  in.image.keep_or(t.image);
  checks.require(!t.image.empty(), "imageName is required: a container image, or process:<absolute directory>");
  if (t.image.starts_with("process:")) {
    checks.require(t.image.starts_with("process:/"),
                   "imageName is \"" + t.image + "\"; after process: an absolute directory is accepted");
    checks.require(settings.process_images,
                   "imageName is \"" + t.image +
                       "\"; process images run with the server's rights and are allowed only while the server listens "
                       "on loopback, or with workers.process_images = true",
                   Errc::forbidden);
  }
  if (in.container_disk_gb.has_value()) {
    checks.range("containerDiskInGb", in.container_disk_gb.value(), 0, 1'000'000);
    t.container_disk_gb = static_cast<int>(in.container_disk_gb.value());
  }
  if (in.volume_gb.has_value()) {
    checks.range("volumeInGb", in.volume_gb.value(), 0, 1'000'000);
    t.volume_gb = static_cast<int>(in.volume_gb.value());
  }
  in.docker_args.keep_or(t.docker_args);
  in.env.keep_or(t.env);
  check_env(t.env, checks);
  in.ports.keep_or(t.ports);
  if (creating) t.volume_mount_path = "/workspace";
  in.volume_mount_path.keep_or(t.volume_mount_path);
  in.registry_auth_id.keep_or(t.registry_auth_id);
  const bool was_serverless = t.is_serverless;
  in.is_serverless.keep_or(t.is_serverless);
  checks.require(!t.bound_endpoint || t.is_serverless == was_serverless,
                 "isServerless cannot change while the template is bound to an endpoint");
  in.is_public.keep_or(t.is_public);
  in.readme.keep_or(t.readme);
  in.advanced_start.keep_or(t.advanced_start);
  in.start_jupyter.keep_or(t.start_jupyter);
  in.start_ssh.keep_or(t.start_ssh);
  in.start_script.keep_or(t.start_script);
  if (creating) t.category = "NVIDIA";
  in.category.keep_or(t.category);
  take_extras(t, in, checks);
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return t;
}

}  // namespace penstock::core
