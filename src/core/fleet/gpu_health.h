#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "core/fleet/fleet.h"
#include "core/fleet/gpu_reading.h"
#include "core/model/gpu.h"

namespace penstock::core {

/// What is wrong with which GPU. A value without effects: it says which marks change, and its owner records that and
/// keeps the GPUs from workers.
///
/// A GPU is quarantined when the driver says that something is wrong with it or no longer lists it, when several
/// different jobs died on it one after the other, or when somebody says so. That a job died is no proof against its
/// GPU: the job may be at fault, or its endpoint's program. So a job that died on two GPUs counts on neither, and the
/// jobs must be of two endpoints, or of one whose jobs end well on another GPU in the meantime. A job that ends well on
/// the GPU clears it. Emulated GPUs do not fail.
class GpuHealth {
 public:
  /// `deaths_max`: so many jobs; 0: their deaths are not counted.
  explicit GpuHealth(int deaths_max) : deaths_max_(deaths_max) {}

  struct Marked {
    GpuMark mark;
  };
  struct Unmarked {
    std::string id;
  };
  using Change = std::variant<Marked, Unmarked>;

  void restore(std::vector<GpuMark> marks);

  std::vector<Change> read(const Fleet& fleet, GpuReadings readings, Time now);
  /// Its worker died with it, or fell silent.
  std::vector<Change> job_died(const Fleet& fleet, const Placement& placement, const EndpointId& endpoint,
                               const JobId& job, Time now);
  void job_ended_well(const Placement& placement, const EndpointId& endpoint);
  /// Errors: not_found, conflict (it is quarantined already, or is not; or the driver does not list it).
  Result<Change> quarantine(const Fleet& fleet, std::string_view id, std::string reason, Time now);
  Result<Change> release(const Fleet& fleet, std::string_view id, Time now);

  bool any_out() const { return !marks_.empty() || !missing_.empty(); }
  /// Whether no worker may have it: quarantined, or not there.
  bool keeps_out(const std::string& id) const;
  /// The quarantine that it is in; null: none.
  const GpuMark* quarantined(const std::string& id) const;
  const std::map<std::string, GpuMark>& marks() const { return marks_; }
  /// What the driver said last; null: nothing.
  const GpuReading* reading(const std::string& id) const;
  bool missing(const std::string& id) const { return missing_.contains(id); }

 private:
  struct Death {
    JobId job;
    EndpointId endpoint;
    bool elsewhere = false;   // the same job died on another GPU too
    bool vindicated = false;  // a job of the endpoint ended well on another GPU since
  };

  Change mark(const std::string& id, const Node& node, const GpuDevice& gpu, std::string reason, Time now);
  std::optional<std::string> guilty(const std::vector<Death>& deaths) const;

  int deaths_max_;
  std::map<std::string, GpuMark> marks_;
  std::map<std::string, GpuReading> readings_;
  std::set<std::string> missing_;
  std::map<std::string, std::vector<Death>> deaths_;  // by GPU, since a job ended well there
};

/// Its UUID, or node:index.
std::string gpu_id(const Node& node, const GpuDevice& gpu);
/// Of every GPU of a placement.
std::vector<std::string> gpu_ids(const Placement& placement);

}  // namespace penstock::core
