#include "core/fleet/gpu_health.h"

#include <algorithm>

#include "base/text.h"

namespace penstock::core {
namespace {

constexpr std::size_t kDeathsKept = 16;
constexpr std::size_t kReasonMax = 500;

struct Found {
  const Node* node = nullptr;
  const GpuDevice* gpu = nullptr;
};

Found find_gpu(const Fleet& fleet, std::string_view id) {
  for (const Node& node : fleet.nodes()) {
    for (const GpuDevice& gpu : node.gpus) {
      if (gpu_id(node, gpu) == id) return {&node, &gpu};
    }
  }
  return {};
}

Error unknown_gpu(std::string_view id) {
  return {Errc::not_found, "no GPU \"" + std::string(id.substr(0, 128)) + "\"; `penstock gpus list` shows those here"};
}

const GpuReading* reading_of(const GpuReadings& readings, const GpuDevice& gpu) {
  const auto found = std::ranges::find_if(readings.gpus, [&](const GpuReading& r) {
    return gpu.uuid.empty() || r.uuid.empty() ? r.index == gpu.index : r.uuid == gpu.uuid;
  });
  return found == readings.gpus.end() ? nullptr : &*found;
}

}  // namespace

std::string gpu_id(const Node& node, const GpuDevice& gpu) {
  return gpu.uuid.empty() ? node.name + ":" + std::to_string(gpu.index) : gpu.uuid;
}

std::vector<std::string> gpu_ids(const Placement& placement) {
  if (!placement.uuids.empty()) return placement.uuids;
  std::vector<std::string> out;
  for (const int index : placement.gpus) out.push_back(placement.node + ":" + std::to_string(index));
  return out;
}

void GpuHealth::restore(std::vector<GpuMark> marks) {
  for (auto& mark : marks) marks_.insert_or_assign(mark.id, mark);
}

GpuHealth::Change GpuHealth::mark(const std::string& id, const Node& node, const GpuDevice& gpu, std::string reason,
                                  Time now) {
  if (reason.size() > kReasonMax) reason.resize(kReasonMax);
  deaths_.erase(id);
  const GpuMark mark{id, node.name, gpu.index, gpu.type, std::move(reason), now, std::nullopt};
  marks_.insert_or_assign(id, mark);
  return Marked{mark};
}

std::vector<GpuHealth::Change> GpuHealth::read(const Fleet& fleet, GpuReadings readings, Time now) {
  std::vector<Change> changes;
  for (const Node& node : fleet.nodes()) {
    if (node.emulated || node.described) continue;
    for (const GpuDevice& gpu : node.gpus) {
      const std::string id = gpu_id(node, gpu);
      const GpuReading* reading = reading_of(readings, gpu);
      reading ? missing_.erase(id) : missing_.insert(id).second;
      if (reading) readings_.insert_or_assign(id, *reading);
      const std::string problem = reading ? reading->problem : "the driver no longer lists it";
      const auto known = marks_.find(id);
      const bool released = known != marks_.end() && known->second.released;
      if (problem.empty() && released) {
        marks_.erase(known);
        changes.emplace_back(Unmarked{id});
      }
      if (problem.empty() || (known != marks_.end() && (!released || known->second.reason == problem))) continue;
      changes.push_back(mark(id, node, gpu, problem, now));
    }
  }
  return changes;
}

// ---------------------------------------------------------------- jobs that died

/// The reason, when the deaths speak against the GPU.
std::optional<std::string> GpuHealth::guilty(const std::vector<Death>& deaths) const {
  std::vector<std::string> jobs;
  std::set<EndpointId> endpoints;
  bool vindicated = false;
  for (const Death& death : deaths) {
    if (death.elsewhere) continue;
    jobs.push_back(to_string(death.job));
    endpoints.insert(death.endpoint);
    vindicated = vindicated || death.vindicated;
  }
  const bool of_several = endpoints.size() > 1 || vindicated;
  if (static_cast<int>(jobs.size()) < deaths_max_ || !of_several) return std::nullopt;
  return std::to_string(jobs.size()) + " different jobs died on it one after the other: " + join(jobs, ", ");
}

std::vector<GpuHealth::Change> GpuHealth::job_died(const Fleet& fleet, const Placement& placement,
                                                   const EndpointId& endpoint, const JobId& job, Time now) {
  std::vector<Change> changes;
  if (deaths_max_ == 0) return changes;
  const auto mine = gpu_ids(placement);
  bool elsewhere = false;
  for (auto& [id, deaths] : deaths_) {
    if (std::ranges::find(mine, id) != mine.end()) continue;
    for (Death& death : deaths) {
      if (death.job == job) elsewhere = death.elsewhere = true;
    }
  }
  for (const std::string& id : mine) {
    const auto [node, gpu] = find_gpu(fleet, id);
    if (!gpu || node->emulated || keeps_out(id)) continue;
    auto& deaths = deaths_[id];
    std::erase_if(deaths, [&](const Death& death) { return death.job == job; });
    if (deaths.size() == kDeathsKept) deaths.erase(deaths.begin());
    deaths.push_back({job, endpoint, elsewhere, false});
    if (auto reason = guilty(deaths)) changes.push_back(mark(id, *node, *gpu, std::move(*reason), now));
  }
  return changes;
}

void GpuHealth::job_ended_well(const Placement& placement, const EndpointId& endpoint) {
  if (deaths_.empty() || placement.gpus.empty()) return;
  for (const std::string& id : gpu_ids(placement)) deaths_.erase(id);
  for (auto& [id, deaths] : deaths_) {
    for (Death& death : deaths) death.vindicated = death.vindicated || death.endpoint == endpoint;
  }
}

// ---------------------------------------------------------------- by hand

Result<GpuHealth::Change> GpuHealth::quarantine(const Fleet& fleet, std::string_view id, std::string reason, Time now) {
  const auto [node, gpu] = find_gpu(fleet, id);
  if (!gpu) return tl::unexpected<Error>(unknown_gpu(id));
  if (const GpuMark* before = quarantined(std::string(id))) {
    return fail(Errc::conflict, "GPU \"" + before->id + "\" is quarantined already: " + before->reason);
  }
  return mark(std::string(id), *node, *gpu, reason.empty() ? "by hand" : std::move(reason), now);
}

Result<GpuHealth::Change> GpuHealth::release(const Fleet& fleet, std::string_view id, Time now) {
  const auto known = marks_.find(std::string(id));
  if (known == marks_.end() && !find_gpu(fleet, id).gpu) return tl::unexpected<Error>(unknown_gpu(id));
  if (known == marks_.end() || known->second.released) {
    return fail(Errc::conflict, "GPU \"" + std::string(id) + "\" is not quarantined");
  }
  if (missing(known->first)) {
    return fail(Errc::conflict, "GPU \"" + known->first +
                                    "\" cannot be released: the driver does not list it. Restart the server to go on "
                                    "without it, or bring it back first");
  }
  // One that the driver still complains of would come back with the next reading, so what was released is remembered.
  const GpuReading* said = reading(known->first);
  if (said && !said->problem.empty()) {
    known->second.reason = said->problem;
    known->second.released = now;
    return Marked{known->second};
  }
  const std::string gone = known->first;
  marks_.erase(known);
  return Unmarked{gone};
}

bool GpuHealth::keeps_out(const std::string& id) const {
  return missing(id) || quarantined(id) != nullptr;
}

const GpuMark* GpuHealth::quarantined(const std::string& id) const {
  const auto found = marks_.find(id);
  return found == marks_.end() || found->second.released ? nullptr : &found->second;
}

const GpuReading* GpuHealth::reading(const std::string& id) const {
  const auto found = readings_.find(id);
  return found == readings_.end() ? nullptr : &found->second;
}

}  // namespace penstock::core
