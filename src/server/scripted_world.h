#pragma once

#include <functional>

#include "server/script.h"
#include "server/virtual_time.h"

namespace penstock::server {

/// What a server with a virtual clock has instead of processes and of time passing: scripted workers, and who moves
/// the clock. Lives on the loop's thread.
class ScriptedWorld {
 public:
  /// `give` takes what the workers do.
  ScriptedWorld(Script script, VirtualClock& clock, net::Loop& loop, CoreLoop& core,
                std::function<void(core::Command)> give);

  void obey(const core::LaunchOrder& order);
  api::VirtualTime& time() { return time_; }

 private:
  std::string name_of(const EndpointId& endpoint) const;

  Script script_;
  CoreLoop& core_;
  launch::ScriptedWorkers workers_;
  VirtualTime time_;
};

}  // namespace penstock::server
