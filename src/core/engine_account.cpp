#include <algorithm>

#include "core/control/volume_rules.h"
#include "core/engine_state.h"

namespace penstock::core {

// ---------------------------------------------------------------- network volumes

void EngineState::on(SaveVolume& c) {
  NetworkVolume before;
  const bool creating = c.input.id.absent();
  if (creating) {
    if (static_cast<int>(volumes.size()) >= settings.volumes_max) {
      return reply_error(c.to, Errc::busy,
                         "this server keeps at most " + std::to_string(settings.volumes_max) + " network volumes");
    }
    before.id = *VolumeId::parse(random_alphanumeric(random, 10));
    before.owner = c.owner;
    before.created = now;
  } else {
    const auto id = VolumeId::parse(c.input.id.has_value() ? c.input.id.value() : "");
    const auto found = id ? volumes.find(*id) : volumes.end();
    if (found == volumes.end() || found->second.owner != c.owner) {
      return reply_error(c.to, Errc::not_found, "Network volume not found");
    }
    before = found->second;
  }
  auto after = with_input(std::move(before), c.input, creating, fleet);
  if (!after) return reply(c.to, after.error());
  reply(c.to, VolumeReply{after->id});
  fx->records.push_back(VolumeSaved{*after});
  if (creating) volume_order.push_back(after->id);
  volumes.insert_or_assign(after->id, std::move(*after));
}

void EngineState::on(DeleteVolume& c) {
  const auto id = VolumeId::parse(c.id);
  const auto found = id ? volumes.find(*id) : volumes.end();
  if (found == volumes.end() || found->second.owner != c.owner) {
    return reply_error(c.to, Errc::not_found, "Tried to delete nonexistent network volume");
  }
  for (const EndpointEntry* entry : endpoint_order) {
    const auto& used = entry->endpoint.volumes;
    if (std::ranges::find(used, *id) == used.end()) continue;
    return reply_error(c.to, Errc::conflict,
                       "Network volume is attached to endpoint " + entry->endpoint.id.str() +
                           " and cannot be deleted; take it off the endpoint first");
  }
  fx->records.push_back(VolumeRemoved{*id});
  fx->orders.push_back(RemoveVolume{*id});
  std::erase(volume_order, *id);
  volumes.erase(found);
  reply(c.to, Done{});
}

Result<std::vector<VolumeId>> EngineState::usable_volumes(const std::vector<std::string>& names,
                                                          const AccountId& owner) const {
  std::vector<VolumeId> ids;
  std::map<std::string, std::string> taken;  // data centre -> the volume that is there
  for (const std::string& name : names) {
    const auto id = VolumeId::parse(name);
    const auto found = id ? volumes.find(*id) : volumes.end();
    if (found == volumes.end() || found->second.owner != owner)
      return fail(Errc::not_found, "Network volume not found");
    if (std::ranges::find(ids, *id) != ids.end()) continue;
    const auto [place, first] = taken.try_emplace(found->second.data_center, name);
    if (!first) {
      return fail(Errc::invalid, "networkVolumeIds has " + place->second + " and " + name + ", both in data center \"" +
                                     place->first + "\"; one network volume for each data center is accepted");
    }
    ids.push_back(*id);
  }
  return ids;
}

VolumeId EngineState::volume_at(const Endpoint& endpoint, const Placement& placement) const {
  const auto& nodes = fleet.nodes();
  const auto node = std::ranges::find(nodes, placement.node, &Node::name);
  for (const VolumeId& id : endpoint.volumes) {
    if (node != nodes.end() && volumes.at(id).data_center == data_center_of(*node)) return id;
  }
  return {};
}

}  // namespace penstock::core
