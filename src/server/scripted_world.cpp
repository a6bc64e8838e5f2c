#include "server/scripted_world.h"

#include <utility>

namespace penstock::server {

ScriptedWorld::ScriptedWorld(Script script, VirtualClock& clock, net::Loop& loop, CoreLoop& core,
                             std::function<void(core::Command)> give)
    : script_(std::move(script)),
      core_(core),
      workers_({std::move(give), [this](CoreLoop::OnReply on_reply) { return core_.expect(std::move(on_reply)); },
                [this](const core::StartWorker& order) {
                  return script_.plan_worker(name_of(order.endpoint), order.endpoint);
                },
                [this](const EndpointId& endpoint, const core::HandOut& job) {
                  return script_.plan_job(name_of(endpoint), endpoint, job);
                }}),
      time_(loop, core, clock, workers_) {
  workers_.advance(clock.now());
}

void ScriptedWorld::obey(const core::LaunchOrder& order) {
  workers_.obey(order);
  time_.nudge();
}

std::string ScriptedWorld::name_of(const EndpointId& endpoint) const {
  const core::Endpoint* known = core_.engine().find_endpoint(endpoint);
  return known ? known->name : std::string();
}

}  // namespace penstock::server
