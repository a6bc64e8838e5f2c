#include "line_witness.h"

#include "violation.h"

namespace penstock::simulation {
namespace {

/// Who began to wait closer together than this may be taken in any order: they are reviewed one after the other.
constexpr Millis kSide{100};

Claim claim_of_standing(const LineWitness::Standing& s) {
  if (s.present < s.workers_min) return Claim::minimum;
  return s.queued > 0 && s.present == 0 && s.workers_max > 0 ? Claim::first : Claim::more;
}

const char* words(Claim claim) {
  switch (claim) {
    case Claim::minimum:
      return "its workersMin";
    case Claim::first:
      return "its first worker";
    case Claim::more:
      return "more workers";
  }
  return "";
}

}  // namespace

void LineWitness::note(Time now, const EndpointId& endpoint) {
  Place& place = places_[endpoint];
  const Claim claim = claim_of_standing(place.standing);
  if (claim == place.claim && place.since > Time{}) return;
  place.claim = claim;
  place.since = now;
}

void LineWitness::server_restarted(Time now) {
  for (auto& [id, place] : places_) place.since = now;
}

void LineWitness::begins(Time now, const EndpointId& endpoint) {
  note(now, endpoint);
  const Place& place = places_.at(endpoint);
  starts_.push_back({endpoint, place.claim, place.since});
}

void LineWitness::turn_ends(Time now) {
  for (const Start& start : starts_) {
    for (const auto& [id, place] : places_) {
      if (id == start.endpoint || place.claim == Claim::more || !may_start(place.standing)) continue;
      const bool longer = place.claim == start.claim && place.since + kSide < start.since;
      const bool more_pressing = place.claim < start.claim && place.since + kSide < now;
      if (!longer && !more_pressing) continue;
      violated("endpoint {} got a GPU for {} before endpoint {}, which has waited for {} ms for {}",
               start.endpoint.str(), words(start.claim), id.str(), (now - place.since).count(), words(place.claim));
    }
  }
  starts_.clear();
}

std::optional<EndpointId> LineWitness::latest(const EndpointId& but, const std::function<bool(Claim)>& suits) const {
  std::optional<EndpointId> found;
  Time since{};
  for (const auto& [id, place] : places_) {
    const bool waits = place.claim != Claim::more || place.standing.queued > 0;
    if (id == but || !waits || !may_start(place.standing) || !suits(place.claim)) continue;
    if (found && place.since <= since) continue;
    found = id;
    since = place.since;
  }
  return found;
}

}  // namespace penstock::simulation
