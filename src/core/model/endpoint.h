#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/template.h"

namespace penstock::core {

enum class ScalerType { queue_delay, request_count };
enum class FlashBoot { off, flashboot, priority_flashboot };

std::string_view to_text(ScalerType value);  // "QUEUE_DELAY"
std::string_view to_text(FlashBoot value);   // "FLASHBOOT"
std::optional<ScalerType> parse_scaler_type(std::string_view text);
std::optional<FlashBoot> parse_flash_boot(std::string_view text);

/// Tells the states of endpoints apart while one server runs: no two share a number. It is no part of what an endpoint
/// is, so it is not stored and all revisions are equal.
struct Revision {
  std::uint64_t number = 0;

  friend bool operator==(const Revision&, const Revision&) { return true; }
};

/// A named queue-based service: its template, GPU pools and scaling settings (contract/control-plane 2.1).
struct Endpoint {
  EndpointId id;
  AccountId owner;
  std::string name;
  TemplateId template_id;
  bool binds_template = true;
  std::string gpu_ids;  // tokens trimmed, order kept (2.4)
  int gpu_count = 1;
  std::vector<std::string> instance_ids;  // not empty: a CPU endpoint
  int workers_min = 0;
  int workers_max = 3;
  std::optional<int> workers_standby;
  int workers_pfb_target = 0;
  int idle_timeout_s = 10;
  ScalerType scaler_type = ScalerType::queue_delay;
  int scaler_value = 4;
  std::optional<std::string> locations;
  std::vector<std::string> data_center_ids;
  std::vector<EnvVar> env;  // merged over the template's; the endpoint wins
  std::optional<std::string> allowed_cuda_versions;
  std::optional<std::string> min_cuda_version;
  std::optional<std::int64_t> execution_timeout_ms;  // none: the default of 600 s; 0: no limit
  std::optional<std::int64_t> request_ttl_ms;        // none: 24 h
  std::optional<std::int64_t> retention_async_s;     // of results; none: the server's
  std::optional<std::int64_t> retention_sync_s;
  FlashBoot flash_boot = FlashBoot::off;
  std::optional<std::string> flash_environment_id;
  std::vector<std::string> compliance;
  std::optional<std::string> hub_release_id;
  std::vector<VolumeId> volumes;  // at most one for each data centre
  std::vector<std::string> model_references;
  int version = 0;  // release: bumped by every change that needs fresh workers (2.2)
  Time created{};
  Revision revision;

  bool is_cpu() const { return !instance_ids.empty(); }

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Cumulative, since the endpoint was created (contract/data-plane 1.5). TIMED_OUT counts as failed.
struct Counters {
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t retried = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

}  // namespace penstock::core
