#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include "core/fleet/sharing.h"

namespace penstock::core {

// What endpoints and workers remember of sharing GPUs. A part of engine_state.h.

struct EndpointEntry;

/// A place in the line of those whose workers find no GPUs. First by need, then by the time since they wait.
struct LinePlace {
  Need need = Need::more;
  Time since{};
  std::uint64_t number = 0;
  EndpointEntry* entry = nullptr;

  friend bool operator<(const LinePlace& a, const LinePlace& b) {
    return std::tie(a.need, a.since, a.number) < std::tie(b.need, b.since, b.number);
  }
};

/// A look for workers that could go.
struct RoomLook {
  Time at{};
  Time next{};
  int throttled = 0;
  std::optional<Time> turn_ends = {};  // of the worker of another endpoint that is asked to go then
};

/// How a worker was idle. The same is not offered to others twice.
struct Offer {
  Time since{};
  int spare = 0;  // workers that its endpoint can give

  friend bool operator==(const Offer&, const Offer&) = default;
};

}  // namespace penstock::core
