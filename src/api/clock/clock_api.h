#pragma once

#include <functional>
#include <string_view>

#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// Time that goes on only when it is told to.
class VirtualTime {
 public:
  virtual ~VirtualTime() = default;

  /// Lets everything happen that is due up to `to`, then calls `done` with the number of instants that it stopped at.
  /// Requests are answered meanwhile; those to advance queue up. Errors: internal (something never comes to rest).
  virtual void advance(Millis by, std::function<void(Result<std::uint64_t>)> done) = 0;
};

/// The server's clock:
///   GET  /penstock/v1/clock          what time it is
///   POST /penstock/v1/clock/advance  {"ms": N}, {"seconds": N} or {"to": "2026-01-01T12:00:00Z"}; answered when all
///                                    that was due by then has happened. Refused while the clock is the real one
class ClockApi {
 public:
  /// `time`: null while the clock is the real one.
  ClockApi(Core& core, VirtualTime* time) : core_(core), time_(time) {}

  static bool knows(std::string_view part) { return part == "clock"; }
  /// `parts`: the path after /penstock/v1.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  net::Response now() const;
  void advance(const net::Request& request, net::Responder responder);

  Core& core_;
  VirtualTime* time_;
};

}  // namespace penstock::api
