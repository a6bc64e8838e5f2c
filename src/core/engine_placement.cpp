#include <algorithm>

#include "base/text.h"
#include "core/control/catalogue.h"
#include "core/engine_state.h"
#include "core/fleet/spread.h"

namespace penstock::core {
namespace {

std::vector<EnvVar> merged(const std::vector<EnvVar>& base, const std::vector<EnvVar>& over) {
  std::vector<EnvVar> out = base;
  for (const EnvVar& variable : over) {
    const auto same = std::ranges::find(out, variable.key, &EnvVar::key);
    if (same == out.end()) {
      out.push_back(variable);
    } else {
      same->value = variable.value;
    }
  }
  return out;
}

bool is_same_place(const Placement& a, const Placement& b) {
  return a.node == b.node && a.gpu_type == b.gpu_type && a.gpus == b.gpus;
}

}  // namespace

PlacementWish EngineState::placement_wish(const EndpointEntry& entry) const {
  const Endpoint& endpoint = entry.endpoint;
  PlacementWish wish;
  wish.been = entry.been;
  wish.places = endpoint.data_center_ids;
  if (wish.places.empty() && endpoint.locations) {
    for (const auto place : split_list(*endpoint.locations, ',')) wish.places.emplace_back(place);
  }
  for (const VolumeId& id : endpoint.volumes) wish.data_centers.push_back(volumes.at(id).data_center);
  if (endpoint.is_cpu()) return wish;
  wish.gpus = parse_gpu_ids(endpoint.gpu_ids).value_or(GpuSelection{});
  wish.gpu_count = endpoint.gpu_count;
  wish.cuda = cuda_wish(endpoint.min_cuda_version, endpoint.allowed_cuda_versions,
                        merged(templates.at(endpoint.template_id).env, endpoint.env));
  if (wish.gpus.pools.size() < 2) return wish;
  std::map<std::string, int> have;
  for (const WorkerEntry* worker : entry.workers) {
    if (!worker->worker.external && is_present(*worker)) ++have[worker->worker.placement.pool];
  }
  wish.first_pool = next_pool(wish.gpus.pools, have, endpoint.workers_max);
  return wish;
}

void EngineState::remember_place(EndpointEntry& entry, const Placement& placement) {
  if (!entry.been.empty() && is_same_place(entry.been.front(), placement)) return;
  std::erase_if(entry.been, [&](const Placement& p) { return is_same_place(p, placement); });
  entry.been.insert(entry.been.begin(), placement);
  if (entry.been.size() > kPlacesKept) entry.been.pop_back();
  fx->records.push_back(PlacesSaved{{entry.endpoint.id, entry.been}});
}

/// GPUs may have other numbers now than when they were written down.
void EngineState::restore_places(std::vector<EndpointPlaces>&& stored) {
  for (EndpointPlaces& value : stored) {
    const auto found = endpoints.find(value.endpoint);
    if (found == endpoints.end()) continue;
    for (Placement& place : value.places) found->second->been.push_back(fleet.located(std::move(place)));
  }
}

/// Where a worker is that was there before the restart: an older data directory has no more than that. What it has is
/// full only with later ones.
void EngineState::recall_place(EndpointEntry& entry, const Placement& placement) {
  const bool known = std::ranges::any_of(entry.been, [&](const Placement& p) { return is_same_place(p, placement); });
  if (!known && entry.been.size() < kPlacesKept) remember_place(entry, placement);
}

bool EngineState::start_worker(EndpointEntry& entry) {
  const Endpoint& endpoint = entry.endpoint;
  const Template& value = templates.at(endpoint.template_id);
  const PlacementWish wish = placement_wish(entry);
  entry.kept_for.reset();
  if (const EndpointEntry* other = kept_for(entry, wish)) {
    entry.kept_for = other->endpoint.id;
    entry.wait_facts.no_place = "what is free is kept for endpoint " + other->endpoint.id.str() + ", which " +
                                std::string(to_text(other->line->need)) + " and is before it in the line";
    entry.wait_facts.fits_never = false;
    return false;
  }
  auto placement = fleet.place(wish);
  if (!placement) {
    entry.wait_facts.no_place = placement.error().message;
    entry.wait_facts.fits_never = placement.error().code == Errc::not_found;
    return false;
  }
  keep_within_max(entry);
  step_back(entry);
  remember_place(entry, *placement);
  Worker worker;
  worker.id = *WorkerId::parse(random_alphanumeric(random, 14));
  worker.endpoint = endpoint.id;
  worker.release = endpoint.version;
  worker.placement = *placement;
  worker.created = now;
  begin_start(entry, worker, StartKind::spawned);
  const WorkerEntry& added = add_worker(std::move(worker), entry);
  auto env = merged(value.env, endpoint.env);
  auto sealed = secrets_for(env, endpoint.owner);
  const auto instance = endpoint.is_cpu() ? parse_instance_id(endpoint.instance_ids.front()) : std::nullopt;
  fx->orders.push_back(StartWorker{added.worker.id, endpoint.id, value.image, value.docker_args, std::move(env),
                                   *placement, value.volume_mount_path, volume_at(endpoint, *placement),
                                   std::move(sealed), instance ? instance->vcpu : 0, instance ? instance->ram_gb : 0});
  return true;
}

}  // namespace penstock::core
