#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {

// Who gets GPUs when they are short: the line of those that find no place, and workers of others that make room for
// them (core/fleet/sharing.h).

namespace {

// A worker that can go is offered to the line at once. Besides, who waits looks at all workers: when that may have
// another result, at the latest after kLookAnyway, and not more often than kLookAgain, or than lets all who wait look
// at kLooksPerMs workers.
constexpr Millis kLookAnyway{5'000};
constexpr Millis kLookAgain{50};
constexpr std::size_t kLooksPerMs = 2'000;
constexpr int kPlacesAtOnce = 16;  // that are sought in one look

bool share_a_pool(const PlacementWish& a, const PlacementWish& b) {
  return std::ranges::any_of(a.gpus.pools, [&](const std::string& pool) {
    return std::ranges::find(b.gpus.pools, pool) != b.gpus.pools.end();
  });
}

bool is_the_same(const PlacementWish& a, const PlacementWish& b) {
  return a.gpus.text == b.gpus.text && a.gpu_count == b.gpu_count && a.places == b.places &&
         a.data_centers == b.data_centers && a.cuda.floor == b.cuda.floor && a.cuda.require == b.cuda.require;
}

bool is_gone_soon(const WorkerEntry& worker) {
  return worker.holding.empty();
}

}  // namespace

// ---------------------------------------------------------------- the line

/// What its next worker would be for, with so many of them on their way.
Need EngineState::need_of(const EndpointEntry& entry, int coming) const {
  const Staff staff = staff_of(entry);
  if (staff.managed + coming < entry.endpoint.workers_min) return Need::minimum;
  // Jobs that workers hold which are asked to go need no other one.
  const bool none = coming == 0 && entry.queue.size() > 0 && staff.present() == 0;
  return none ? Need::first : Need::more;
}

LinePlace EngineState::line_place(EndpointEntry& entry) const {
  const Need need = need_of(entry);
  // Who lost its last worker has waited for one only since then.
  const bool same = entry.line && entry.line->need == need;
  return {need, same ? entry.line->since : now, same ? entry.line->number : line_numbers, &entry};
}

/// It got something: for more it stands behind all others that need it as much.
void EngineState::step_back(EndpointEntry& entry) {
  share_due = true;
  if (!entry.line) return;
  line.erase(*entry.line);
  entry.line.reset();
}

void EngineState::leave_line(EndpointEntry& entry) {
  step_back(entry);
  entry.room_look.reset();
  entry.kept_for.reset();
  for (const WorkerId& id : entry.room) {
    const auto worker = workers.find(id);
    if (worker != workers.end()) worker->second->makes_room = false;  // its place is somebody else's
  }
  entry.room.clear();
}

/// After the endpoint took what it could get.
void EngineState::keep_in_line(EndpointEntry& entry, bool started_some) {
  const bool waits = entry.throttled > 0 && !entry.wait_facts.fits_never;
  if (started_some || (!waits && entry.line)) leave_line(entry);
  if (!waits) return;
  const LinePlace place = line_place(entry);
  PlacementWish wish = placement_wish(entry);
  if (!entry.line || place.number != entry.line->number || !is_the_same(wish, entry.line_wish)) {
    step_back(entry);
    entry.room_look.reset();
    if (place.number == line_numbers) ++line_numbers;
    entry.line = place;
    line.insert(place);
  }
  entry.line_wish = std::move(wish);
  seek_room(entry);
  entry.wait_facts.no_place += room_text(entry);
}

/// The endpoint ahead in the line that a place which is free now is kept for; null: it is this endpoint's to take. An
/// endpoint for which others make room keeps what it has so far, so that one that needs many GPUs gets them in the end.
/// `trial`, at first as the fleet is, has less what those ahead are to get.
const EndpointEntry* EngineState::kept_for(EndpointEntry& entry, const PlacementWish& wish, Fleet& trial) const {
  if (line.empty() || !trial.find(wish)) return nullptr;
  const LinePlace own = line_place(entry);
  for (const LinePlace& ahead : line) {
    if (!(ahead < own)) return nullptr;
    const EndpointEntry& other = *ahead.entry;
    if (&other == &entry || !share_a_pool(other.line_wish, wish)) continue;
    auto place = trial.find(other.line_wish);
    if (!place) {
      release_room(other, trial);
      place = trial.find(other.line_wish);
    }
    if (!place) continue;
    trial.take(*place);
    if (!trial.find(wish)) return &other;
  }
  return nullptr;
}

const EndpointEntry* EngineState::kept_for(EndpointEntry& entry, const PlacementWish& wish) const {
  if (line.empty()) return nullptr;
  Fleet trial = fleet;
  return kept_for(entry, wish, trial);
}

/// What is free, or the line, changed: whoever finds a place now is to take it, and whoever finds one that is kept for
/// others is to know.
void EngineState::share_out() {
  if (!std::exchange(share_due, false) || line.empty()) return;
  const bool none_free = fleet.is_full();
  Fleet trial = fleet;
  for (const LinePlace& place : line) {
    EndpointEntry& entry = *place.entry;
    if (none_free) {
      if (entry.kept_for) touch(entry);
      continue;
    }
    auto found = trial.find(entry.line_wish);
    if (found) {
      touch(entry);
    } else {
      const bool kept = fleet.find(entry.line_wish).has_value();
      if (kept ? !is_kept_for_one_ahead(entry) : entry.kept_for.has_value()) touch(entry);
      release_room(entry, trial);
      found = trial.find(entry.line_wish);
    }
    if (found) trial.take(*found);
  }
}

bool EngineState::is_kept_for_one_ahead(const EndpointEntry& entry) const {
  const auto other = entry.kept_for ? endpoints.find(*entry.kept_for) : endpoints.end();
  return other != endpoints.end() && other->second->line && *other->second->line < *entry.line;
}

/// As if those who go for it were gone.
void EngineState::release_room(const EndpointEntry& entry, Fleet& trial) const {
  for (const WorkerId& id : entry.room) {
    const auto leaving = workers.find(id);
    if (leaving != workers.end()) trial.release(leaving->second->worker.placement);
  }
}

// ---------------------------------------------------------------- room for it

/// How a worker of another endpoint could come to make room. Nothing: it has no place to give.
std::optional<Holder> EngineState::holder_of(const WorkerEntry& worker) const {
  const Worker& w = worker.worker;
  if (w.external || w.gpu_parked || worker.makes_room) return std::nullopt;
  Holder holder{w.id, w.endpoint, &w.placement};
  holder.since = w.created;
  if (w.draining || worker.stop_sent) {
    if (!is_gone_soon(worker)) return std::nullopt;  // that may be long
    holder.state = Holder::State::leaving;
  } else if (w.frozen) {
    holder.state = Holder::State::frozen;
    holder.since = *w.frozen;
  } else if (!is_ready(worker)) {
    holder.state = Holder::State::starting;
  } else if (is_idle(worker)) {
    holder.state = Holder::State::idle;
    holder.since = worker.idle_since;
  }
  return holder;
}

/// It asks for a job, and none waits.
bool EngineState::is_idle(const WorkerEntry& worker) const {
  return worker.take_poll && worker.holding.empty() && worker.endpoint->queue.size() == 0 && is_present(worker);
}

/// What its endpoint always keeps.
int EngineState::always_kept(const EndpointEntry& entry) {
  return entry.used_up ? 0 : entry.endpoint.workers_min;
}

std::vector<Holder> EngineState::holders_for(const EndpointEntry& entry) const {
  std::vector<Holder> out;
  std::unordered_map<const EndpointEntry*, int> present;
  for (const auto& [id, worker] : workers) {
    auto holder = holder_of(*worker);
    if (!holder) continue;
    if (holder->state != Holder::State::leaving) {
      if (worker->endpoint == &entry) continue;
      const auto [count, first] = present.try_emplace(worker->endpoint, 0);
      if (first) count->second = staff_of(*worker->endpoint).managed;
      holder->present = count->second;
      holder->workers_min = always_kept(*worker->endpoint);
    }
    out.push_back(*holder);
  }
  return out;
}

Millis EngineState::look_interval() const {
  return std::max(kLookAgain, Millis{static_cast<std::int64_t>(workers.size() * line.size() / kLooksPerMs)});
}

/// Asks workers of others to go for those that this endpoint wants, and remembers which.
void EngineState::seek_room(EndpointEntry& entry) {
  std::erase_if(entry.room, [&](const WorkerId& id) { return !workers.contains(id); });
  Fleet trial = fleet;
  kept_for(entry, entry.line_wish, trial);
  int wanted = std::min(entry.throttled, kPlacesAtOnce);
  int coming = 0;
  bool busy = false;
  for (const WorkerId& id : entry.room) {
    const WorkerEntry& worker = *workers.at(id);
    busy = busy || !is_gone_soon(worker);
    if (is_gone_soon(worker)) trial.release(worker.worker.placement);
  }
  const auto take_places = [&] {  // that come to be free
    for (auto place = trial.find(entry.line_wish); place && coming < wanted; place = trial.find(entry.line_wish)) {
      trial.take(*place);
      ++coming;
    }
  };
  take_places();
  if (coming == wanted) return;  // it will be told
  const Millis interval = look_interval();
  if (entry.room_look) {
    RoomLook& last = *entry.room_look;
    if (entry.throttled > last.throttled) last.next = std::min(last.next, last.at + interval);
    if (last.next > now) return look_again(entry, last.next);
  }
  entry.room_look = RoomLook{now, now + std::max(kLookAnyway, interval), entry.throttled};
  std::vector<Holder> holders = holders_for(entry);
  // While busy workers are on their way, only one that goes sooner is of use.
  if (busy) std::erase_if(holders, [](const Holder& h) { return h.state >= Holder::State::busy; });
  const SharingRules rules{settings.share_rest, settings.share_turn};
  while (coming < wanted) {
    const Need need = need_of(entry, coming);
    const RoomPlan plan = plan_room(trial, entry.line_wish, need, holders, rules, now);
    if (plan.leave.empty()) {
      Time& next = entry.room_look->next;
      entry.room_look->turn_ends = plan.turn_ends;
      if (plan.again_at) next = std::clamp(*plan.again_at, now + interval, next);
      return look_again(entry, next);
    }
    for (const WorkerId& id : plan.leave) {
      trial.release(workers.at(id)->worker.placement);
      ask_to_go(*workers.at(id), entry, need, holders);
    }
    take_places();
  }
}

/// For the endpoint, which needs its place. `holders`: as long as it is among them.
void EngineState::ask_to_go(WorkerEntry& worker, EndpointEntry& entry, Need need, std::vector<Holder>& holders) {
  const bool frozen_one = is_frozen(worker);
  if (is_present(worker)) {
    for (Holder& holder : holders) {
      if (holder.endpoint == worker.worker.endpoint) --holder.present;
    }
  }
  std::erase_if(holders, [&](const Holder& h) { return h.worker == worker.worker.id; });
  worker.makes_room = true;
  entry.room.push_back(worker.worker.id);
  const std::string why =
      "endpoint " + entry.endpoint.id.str() + " " + std::string(to_text(need)) + " and waits for its GPUs";
  // A frozen one holds no job and uses no CPU: there is nothing to wait for.
  drain(worker, why, frozen_one ? std::optional(Millis{0}) : std::nullopt);
}

/// In words, behind what is in use.
std::string EngineState::room_text(const EndpointEntry& entry) const {
  if (entry.room.empty()) {
    const auto turn_ends = entry.room_look ? entry.room_look->turn_ends : std::nullopt;
    if (!turn_ends || *turn_ends <= now) return "";
    return "; a worker of another endpoint is asked to go for it at " + iso8601(*turn_ends) +
           ", when it has had its turn";
  }
  const bool busy = std::ranges::none_of(entry.room, [&](const WorkerId& id) {
    const auto worker = workers.find(id);
    return worker != workers.end() && is_gone_soon(*worker->second);
  });
  return busy ? "; a worker of another endpoint goes for it as soon as its job is done"
              : "; a worker of another endpoint goes for it now";
}

// ---------------------------------------------------------------- what is offered

/// A worker that has nothing to do, or is frozen, is somebody else's chance.
void EngineState::offer(const EndpointEntry& owner, const WorkerEntry& worker) {
  for (const LinePlace& place : line) {
    EndpointEntry& other = *place.entry;
    if (&other == &owner || !fleet.suits(worker.worker.placement, other.line_wish)) continue;
    const auto coming = std::ranges::count_if(other.room, [&](const WorkerId& id) {
      const auto going = workers.find(id);
      return going != workers.end() && is_gone_soon(*going->second);
    });
    if (coming >= other.throttled) continue;
    const Time rested = worker.idle_since + settings.share_rest;
    if (place.need != Need::more || is_frozen(worker) || rested <= now) {
      other.room_look.reset();
    } else if (other.room_look) {
      other.room_look->next = std::min(other.room_look->next, rested);
    }
    return touch(other);
  }
}

/// At every review, so that each is offered once.
void EngineState::offer_idle(const EndpointEntry& entry) {
  const int spare = staff_of(entry).managed - always_kept(entry);
  for (WorkerEntry* worker : entry.workers) {
    if (worker->worker.external || !is_idle(*worker)) {
      worker->offered.reset();
      continue;
    }
    const Offer one{worker->idle_since, spare};
    const bool is_new = std::exchange(worker->offered, one) != one;
    if (is_new && spare > 0 && !line.empty()) offer(entry, *worker);
  }
}

void EngineState::check_line() const {
  std::size_t waiting = 0;
  std::size_t going = 0;
  for (const EndpointEntry* entry : endpoint_order) {
    waiting += entry->line ? 1 : 0;
    ENSURE(!entry->line || (line.contains(*entry->line) && entry->throttled > 0));
    ENSURE(entry->line || (entry->room.empty() && !entry->room_look && !entry->kept_for));
    for (const WorkerId& id : entry->room) {
      const auto worker = workers.find(id);
      if (worker == workers.end()) continue;
      ENSURE(worker->second->makes_room && worker->second->worker.draining);
      ++going;
    }
  }
  ENSURE(waiting == line.size());
  const auto marked = std::ranges::count_if(workers, [](const auto& one) { return one.second->makes_room; });
  ENSURE(going == static_cast<std::size_t>(marked));
}

std::optional<Throttled> Engine::throttled(const EndpointId& endpoint) const {
  const auto found = state_->endpoints.find(endpoint);
  if (found == state_->endpoints.end() || found->second->throttled == 0) return std::nullopt;
  const EndpointEntry& entry = *found->second;
  return Throttled{entry.throttled, entry.wait_facts.no_place,
                   entry.line ? std::optional(entry.line->since) : std::nullopt};
}

}  // namespace penstock::core
