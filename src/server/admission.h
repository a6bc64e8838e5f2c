#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/commands.h"

namespace penstock::server {

/// Stands in front of the engine while the disk is nearly full: what would be new is refused, and polls for jobs wait,
/// so that what room is left goes to the results of jobs that run. Everything else passes, and with room everything
/// does.
class Admission {
 public:
  /// A poll that waits here is answered with nothing after `poll_hold`.
  explicit Admission(Millis poll_hold) : poll_hold_(poll_hold) {}

  /// Whether there is room for so many bytes of new work.
  using HasRoom = std::function<bool(std::uint64_t bytes)>;

  /// Whether a submission only repeats one that is there, by its idempotency key: that brings nothing new.
  using IsRepeated = std::function<bool(const core::Submit& submit)>;

  /// Takes out of a turn's commands what must not reach the engine now, and puts back what had to wait.
  void filter(Time now, const HasRoom& has_room, const IsRepeated& is_repeated, std::vector<core::Command>& commands,
              std::vector<core::Reply>& replies);

  /// When to look again; nothing while nobody waits here.
  std::optional<Time> next_wakeup(Time now) const;

 private:
  struct Held {
    Time until;
    core::TakeJobs poll;
  };

  bool hold(Time now, core::Command& command);

  void put_back(std::vector<core::Command>& commands);
  void let_go(Time now, bool all, std::vector<core::Reply>& replies);

  Millis poll_hold_;
  std::vector<Held> held_;              // oldest first
  std::vector<core::Command> results_;  // large ones, until there is room
};

}  // namespace penstock::server
