#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace penstock::simulation {

/// What an endpoint's next worker would be for (docs/gpus-and-nodes.md, "When GPUs are short"), the most pressing
/// first.
enum class Claim { minimum, first, more };

/// Who is before whom when GPUs are short, found from the records alone, where one GPU of any is as good as another.
class LineWitness {
 public:
  struct Standing {
    int workers_min = 0;
    int workers_max = 0;
    int queued = 0;
    int present = 0;      // workers that may get jobs
    int leaving = 0;      // and those that are asked to go
    bool failed = false;  // a worker died and none became ready since: it may be held back
  };

  /// To be changed, with note() after it.
  Standing& standing(const EndpointId& endpoint) { return places_[endpoint].standing; }
  void note(Time now, const EndpointId& endpoint);
  /// What it knew of the line is lost: all wait since now.
  void server_restarted(Time now);

  /// A worker of the endpoint is about to get a GPU. Before it counts as present.
  void begins(Time now, const EndpointId& endpoint);
  /// With all records of the turn seen. Throws a Violation when somebody who was before got nothing.
  void turn_ends(Time now);

  /// Of those who wait, not the endpoint itself, the last one that `suits`, by when they began to wait.
  std::optional<EndpointId> latest(const EndpointId& but, const std::function<bool(Claim)>& suits) const;
  Claim claim_of(const EndpointId& endpoint) const {
    const auto known = places_.find(endpoint);
    return known == places_.end() ? Claim::more : known->second.claim;
  }

 private:
  struct Place {
    Standing standing;
    Claim claim = Claim::more;
    Time since{};
  };
  struct Start {
    EndpointId endpoint;
    Claim claim;
    Time since;
  };

  static bool may_start(const Standing& s) { return !s.failed && s.present + s.leaving < s.workers_max; }

  std::map<EndpointId, Place> places_;
  std::vector<Start> starts_;  // of this turn
};

}  // namespace penstock::simulation
