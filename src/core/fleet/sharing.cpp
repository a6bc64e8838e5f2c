#include "core/fleet/sharing.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace penstock::core {
namespace {

class Planner {
 public:
  Planner(Need need, const SharingRules& rules, Time now, RoomPlan& plan)
      : need_(need), rules_(rules), now_(now), plan_(plan) {}

  /// Notes when it would, where only time is missing.
  bool may_go(const Holder& holder) {
    if (!is_present(holder)) return true;
    const auto given = given_.empty() ? given_.end() : given_.find(holder.endpoint);
    const int left = holder.present - (given == given_.end() ? 0 : given->second);
    if (left <= holder.workers_min) return false;
    switch (holder.state) {
      case Holder::State::idle:
        return need_ != Need::more || is_over(holder.since + rules_.rest);
      case Holder::State::busy:
        if (need_ == Need::more) return false;
        return need_ == Need::minimum || left > 1 || has_had_its_turn(holder);
      default:
        if (need_ != Need::more) is_over(now_ + rules_.rest);  // it will be idle or busy
        return false;
    }
  }
  void gives(const Holder& holder) {
    if (is_present(holder)) ++given_[holder.endpoint];
  }

 private:
  static bool is_present(const Holder& holder) { return holder.state > Holder::State::frozen; }
  bool has_had_its_turn(const Holder& holder) {
    const Time end = holder.since + rules_.turn;
    if (is_over(end)) return true;
    plan_.turn_ends = plan_.turn_ends ? std::min(*plan_.turn_ends, end) : end;
    return false;
  }
  bool is_over(Time at) {
    if (at <= now_) return true;
    plan_.again_at = plan_.again_at ? std::min(*plan_.again_at, at) : at;
    return false;
  }

  Need need_;
  const SharingRules& rules_;
  Time now_;
  RoomPlan& plan_;
  std::map<EndpointId, int> given_;
};

/// Those of `gone` without whom there would be no place; the dearest are spared first.
std::vector<WorkerId> needed(Fleet trial, const PlacementWish& wish, const std::vector<const Holder*>& gone) {
  std::vector<WorkerId> out;
  for (auto it = gone.rbegin(); it != gone.rend(); ++it) {
    trial.take(*(*it)->placement);
    if (trial.find(wish)) continue;
    trial.release(*(*it)->placement);
    out.insert(out.begin(), (*it)->worker);
  }
  return out;
}

}  // namespace

std::string_view to_text(Need need) {
  switch (need) {
    case Need::minimum:
      return "needs one for its workersMin";
    case Need::first:
      return "has jobs and no worker";
    case Need::more:
      return "wants more workers";
  }
  return "";
}

RoomPlan plan_room(const Fleet& fleet, const PlacementWish& wish, Need need, const std::vector<Holder>& holders,
                   const SharingRules& rules, Time now) {
  RoomPlan plan;
  Planner planner(need, rules, now, plan);
  std::vector<const Holder*> candidates;  // few of many
  for (const Holder& holder : holders) {
    if (fleet.suits(*holder.placement, wish) && planner.may_go(holder)) candidates.push_back(&holder);
  }
  std::ranges::sort(candidates, {}, [](const Holder* h) { return std::tie(h->state, h->since, h->worker); });
  Fleet trial = fleet;
  std::vector<const Holder*> gone;
  for (const Holder* holder : candidates) {
    if (!planner.may_go(*holder)) continue;  // its endpoint has given others
    planner.gives(*holder);
    trial.release(*holder->placement);
    gone.push_back(holder);
    if (!trial.find(wish)) continue;
    plan.enough = true;
    plan.again_at.reset();
    plan.turn_ends.reset();
    plan.leave = needed(std::move(trial), wish, gone);
    return plan;
  }
  return plan;
}

}  // namespace penstock::core
