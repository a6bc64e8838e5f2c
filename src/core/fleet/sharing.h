#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "core/fleet/fleet.h"

namespace penstock::core {

// Who gives way to whom when GPUs are short. An endpoint whose worker finds no place stands in one line with all
// others: first those below their workersMin, then those with jobs and no worker at all, then those that want more
// workers; among these, whoever has waited longest.

enum class Need {
  minimum,  // below its workersMin
  first,    // jobs wait and it has no worker
  more
};
std::string_view to_text(Need need);  // "needs one for its workersMin"

/// Somebody else's worker.
struct Holder {
  enum class State {
    leaving,  // told to go, and not for another claim
    frozen,   // no capacity of its endpoint's
    idle,     // asks for a job, and none waits
    busy,     // or between two jobs
    starting  // not ready yet
  };
  WorkerId worker;
  EndpointId endpoint;
  const Placement* placement = nullptr;
  State state = State::busy;
  Time since{};         // idle and frozen: of that; otherwise when it got its place
  int present = 0;      // workers that its endpoint has ...
  int workers_min = 0;  // ... and always may keep
};

struct SharingRules {
  Millis rest{2'000};   // a worker that was idle for less does not go for an endpoint that only wants more
  Millis turn{60'000};  // the only worker of an endpoint keeps its place for so long while others have none
};

struct RoomPlan {
  bool enough = false;            // with these gone there is a place
  std::vector<WorkerId> leave;    // busy ones after their job
  std::optional<Time> again_at;   // when, with nothing else happening, the plan would be another
  std::optional<Time> turn_ends;  // when the first of those that keep their place for a turn has had it
};

/// Who goes so that one worker of `wish` finds a place: of those who may, the frozen first, then the idle, then the
/// busy, and of each kind whoever has been it for longest. Those who leave anyway are counted on before. No endpoint
/// goes below its workersMin, for which frozen workers do not count. A busy one goes only for `minimum`; and for
/// `first` when its endpoint has another one, or it has had its turn.
RoomPlan plan_room(const Fleet& fleet, const PlacementWish& wish, Need need, const std::vector<Holder>& holders,
                   const SharingRules& rules, Time now);

}  // namespace penstock::core
