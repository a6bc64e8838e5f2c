#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {
namespace {

// A worker that turns idle or goes is told to whoever waits at once; in between, the look for room is repeated so
// often.
constexpr Millis kLookAgain{50};

bool share_a_pool(const PlacementWish& a, const PlacementWish& b) {
  return std::ranges::any_of(a.gpus.pools, [&](const std::string& pool) {
    return std::ranges::find(b.gpus.pools, pool) != b.gpus.pools.end();
  });
}

}  // namespace

Need EngineState::need_of(const EndpointEntry& entry) const {
  if (managed_present(entry) < entry.endpoint.workers_min) return Need::minimum;
  const bool none = std::ranges::none_of(entry.workers, [&](const WorkerEntry* w) { return is_present(*w); });
  return none ? Need::first : Need::more;
}

EngineState::LinePlace EngineState::line_place(EndpointEntry& entry) const {
  const Need need = need_of(entry);
  // Who lost its last worker has waited for one only since then.
  const bool same = entry.line && entry.line->need == need;
  return {need, same ? entry.line->since : now, same ? entry.line->number : line_numbers, &entry};
}

void EngineState::enter_line(EndpointEntry& entry, PlacementWish wish) {
  const LinePlace place = line_place(entry);
  if (entry.line) line.erase(*entry.line);
  if (place.number == line_numbers) ++line_numbers;
  entry.line = place;
  entry.line_wish = std::move(wish);
  line.insert(place);
}

void EngineState::leave_line(EndpointEntry& entry) {
  if (!entry.line) return;
  line.erase(*entry.line);
  entry.line.reset();
  entry.room_looked.reset();
  entry.room.clear();
  capacity_freed();  // what was kept for it and it did not take
}

/// After the endpoint took what it could get. Whoever got something stands behind those who got nothing.
void EngineState::keep_in_line(EndpointEntry& entry, bool started_some) {
  const bool waits = entry.throttled > 0 && !entry.wait_facts.fits_never;
  if (!waits || started_some) leave_line(entry);
  if (!waits) return;
  enter_line(entry, placement_wish(entry));
  seek_room(entry);
  entry.wait_facts.no_place += room_text(entry);
}

/// The endpoint ahead in the line that a place which is free now is kept for; null: it is this endpoint's to take. An
/// endpoint for which others make room keeps what it has so far, so that one that needs many GPUs gets them in the end.
const EndpointEntry* EngineState::kept_for(EndpointEntry& entry, const PlacementWish& wish) const {
  if (line.empty() || !fleet.find(wish)) return nullptr;
  const LinePlace own = line_place(entry);
  Fleet trial = fleet;
  for (const LinePlace& ahead : line) {
    if (!(ahead < own)) return nullptr;
    if (ahead.entry == &entry || !share_a_pool(ahead.entry->line_wish, wish)) continue;
    for (const WorkerId& id : ahead.entry->room) {
      const auto leaving = workers.find(id);
      if (leaving != workers.end()) trial.release(leaving->second->worker.placement);
    }
    const auto place = trial.find(ahead.entry->line_wish);
    if (!place) continue;
    trial.take(*place);
    if (!trial.find(wish)) return ahead.entry;
  }
  return nullptr;
}

/// Those first in the line that find a place now.
void EngineState::capacity_freed() {
  if (line.empty()) return;
  Fleet trial = fleet;
  for (const LinePlace& place : line) {
    if (trial.is_full()) return;
    const auto found = trial.find(place.entry->line_wish);
    if (!found) continue;
    trial.take(*found);
    touch(*place.entry);
  }
}

/// Workers whose places could come to be the endpoint's.
std::vector<Holder> EngineState::holders_for(const EndpointEntry& entry) const {
  std::vector<Holder> out;
  std::unordered_map<const EndpointEntry*, int> present;
  for (const auto& [id, one] : workers) {
    const WorkerEntry& worker = *one;
    const bool leaving = worker.worker.draining || worker.stop_sent;
    if (worker.worker.external || worker.makes_room || (worker.endpoint == &entry && !leaving)) continue;
    Holder holder{id, worker.worker.endpoint, &worker.worker.placement};
    holder.since = worker.worker.created;
    if (leaving) {
      holder.state = Holder::State::leaving;
      if (worker.holding.empty()) out.push_back(holder);  // one at work may be for long
      continue;
    }
    const EndpointEntry& owner = *worker.endpoint;
    const auto [count, first] = present.try_emplace(&owner, 0);
    if (first) count->second = managed_present(owner);
    holder.present = count->second;
    holder.workers_min = owner.endpoint.workers_min;
    if (!worker.worker.ready) {
      holder.state = Holder::State::starting;
    } else if (worker.take_poll && worker.holding.empty() && owner.queue.size() == 0) {
      holder.state = Holder::State::idle;
      holder.since = worker.idle_since;
    }
    out.push_back(holder);
  }
  return out;
}

/// Asks workers of others to go for this endpoint's next one, and remembers which.
void EngineState::seek_room(EndpointEntry& entry) {
  std::erase_if(entry.room, [&](const WorkerId& id) { return !workers.contains(id); });
  const bool soon =
      std::ranges::any_of(entry.room, [&](const WorkerId& id) { return workers.at(id)->holding.empty(); });
  if (soon) return;  // it will be told
  if (entry.room_looked && *entry.room_looked + kLookAgain > now)
    return look_again(entry, *entry.room_looked + kLookAgain);
  entry.room_looked = now;
  std::vector<Holder> holders = holders_for(entry);
  // While busy workers are on their way, only one that goes sooner is of use.
  if (!entry.room.empty()) std::erase_if(holders, [](const Holder& h) { return h.state >= Holder::State::busy; });
  const Need need = need_of(entry);
  const RoomPlan plan =
      plan_room(fleet, entry.line_wish, need, std::move(holders), {settings.share_rest, settings.share_turn}, now);
  if (plan.again_at) look_again(entry, *plan.again_at);
  for (const WorkerId& id : plan.leave) {
    WorkerEntry& worker = *workers.at(id);
    worker.makes_room = true;
    entry.room.push_back(id);
    drain(worker, "endpoint " + entry.endpoint.id.str() + " " + std::string(to_text(need)) + " and waits for its GPUs");
  }
}

/// In words, behind what is in use.
std::string EngineState::room_text(const EndpointEntry& entry) const {
  if (entry.room.empty()) return "";
  const bool busy = std::ranges::all_of(entry.room, [&](const WorkerId& id) {
    const auto worker = workers.find(id);
    return worker != workers.end() && !worker->second->holding.empty();
  });
  return busy ? "; a worker of another endpoint goes for it as soon as its job is done"
              : "; a worker of another endpoint goes for it now";
}

/// A worker that has nothing to do is somebody else's chance.
void EngineState::offer_idle(EndpointEntry& entry) {
  if (line.empty() || entry.queue.size() > 0 || managed_present(entry) <= entry.endpoint.workers_min) return;
  for (const WorkerEntry* worker : entry.workers) {
    const bool idle = worker->take_poll && worker->holding.empty() && !worker->worker.external && is_present(*worker);
    if (!idle) continue;
    for (const LinePlace& place : line) {
      if (place.entry == &entry || !place.entry->room.empty()) continue;
      if (!fleet.suits(worker->worker.placement, place.entry->line_wish)) continue;
      const Time rested = worker->idle_since + settings.share_rest;
      if (place.need == Need::more && rested > now) {
        look_again(entry, rested);
        continue;
      }
      place.entry->room_looked.reset();
      touch(*place.entry);
      break;
    }
  }
}

std::optional<Throttled> Engine::throttled(const EndpointId& endpoint) const {
  const auto found = state_->endpoints.find(endpoint);
  if (found == state_->endpoints.end() || found->second->throttled == 0) return std::nullopt;
  const EndpointEntry& entry = *found->second;
  return Throttled{entry.throttled, entry.wait_facts.no_place,
                   entry.line ? std::optional(entry.line->since) : std::nullopt};
}

}  // namespace penstock::core
