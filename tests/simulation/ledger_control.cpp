#include <algorithm>

#include "ledger.h"
#include "violation.h"

// The part of the ledger that knows endpoints, their releases, templates and network volumes.

namespace penstock::simulation {

void Ledger::see(const core::TemplateSaved& r) {
  templates_.edit(r.value.id) = r.value;
}
void Ledger::see(const core::TemplateRemoved& r) {
  for (const auto& [id, endpoint] : endpoints_.all()) {
    if (endpoint.template_id == r.id) violated("template {} of endpoint {} was removed", r.id.str(), id.str());
  }
  templates_.erase(r.id);
}

void Ledger::see(const core::VolumeSaved& r) {
  const core::NetworkVolume* before = volumes_.find(r.value.id);
  if (before && before->size_gb > r.value.size_gb) violated("network volume {} became smaller", r.value.id.str());
  if (before && before->data_center != r.value.data_center) violated("network volume {} moved", r.value.id.str());
  volumes_.edit(r.value.id) = r.value;
}

void Ledger::see(const core::VolumeRemoved& r) {
  for (const auto& [id, endpoint] : endpoints_.all()) {
    const bool used = std::ranges::find(endpoint.volumes, r.id) != endpoint.volumes.end();
    if (used) violated("network volume {} of endpoint {} was removed", r.id.str(), id.str());
  }
  volumes_.erase(r.id);
  ++tally_.volumes_removed;
}

/// A worker has one of its endpoint's volumes exactly when the endpoint has any.
void Ledger::see_order(const core::StartWorker& order) const {
  // What is due comes before the command: the worker may have been started before these changed what it is held
  // against.
  if (command_as<core::SaveEndpoint>() || command_as<core::DeleteEndpoint>() || command_as<core::DeleteVolume>())
    return;
  const core::Endpoint* endpoint = endpoints_.find(order.endpoint);
  if (!endpoint) violated("worker {} of an endpoint that is not there is started", order.id.str());
  const core::Budget* budget = usage_.budget_of(*endpoint);
  if (budget && !command_as<core::SaveBudget>() && usage_.is_used_up(now_, *budget)) {
    violated("worker {} is started though the budget of endpoint {} is used up", order.id.str(), endpoint->id.str());
  }
  if (order.volume.empty() != endpoint->volumes.empty()) {
    violated("worker {}: the endpoint has {} volumes, and the worker gets \"{}\"", order.id.str(),
             endpoint->volumes.size(), order.volume.str());
  }
  if (!order.volume.empty() && !volumes_.find(order.volume)) {
    violated("worker {} gets network volume {}, which is not there", order.id.str(), order.volume.str());
  }
}

void Ledger::see(const core::EndpointSaved& r) {
  for (const VolumeId& id : r.endpoint.volumes) {
    if (!volumes_.find(id)) violated("endpoint {} names volume {}, which is not there", r.endpoint.id.str(), id.str());
  }
  const core::Endpoint* before = endpoints_.find(r.endpoint.id);
  if (before && before->version > r.endpoint.version) violated("endpoint {}: version went back", r.endpoint.id.str());
  if (before && before->version < r.endpoint.version) ++tally_.releases;
  if (r.endpoint.workers_min > r.endpoint.workers_max) violated("endpoint {}: min above max", r.endpoint.id.str());
  endpoints_.edit(r.endpoint.id) = r.endpoint;
}

void Ledger::see(const core::ReleaseSaved& r) {
  const core::Release& made = r.value;
  const core::Endpoint* endpoint = endpoints_.find(made.endpoint);
  if (!endpoint || endpoint->version != made.version) {
    violated("release {} of endpoint {} is not what the endpoint is", made.version, made.endpoint.str());
  }
  const core::Template& value = *templates_.find(endpoint->template_id);
  if (made.settings.gpu_ids != endpoint->gpu_ids || made.settings.env != endpoint->env ||
      made.settings.image != value.image || made.settings.template_id != value.id) {
    violated("release {} of endpoint {} has other settings than the endpoint", made.version, made.endpoint.str());
  }
  const bool first = !releases_.find({made.endpoint, made.version - 1});
  if (first != made.changes.empty()) {
    violated("release {} of endpoint {} changes {} settings", made.version, made.endpoint.str(), made.changes.size());
  }
  if (made.rollback_of) {
    const auto* rollback = command_as<core::RollBack>();
    if (!rollback || rollback->release.settings != made.settings) {
      violated("release {} of endpoint {} is not as the one that it rolls back to", made.version, made.endpoint.str());
    }
    ++tally_.rollbacks;
  }
  releases_.edit({made.endpoint, made.version}) = made;
}

void Ledger::see(const core::EndpointRemoved& r) {
  if (!command_as<core::DeleteEndpoint>()) violated("endpoint {} was removed by another command", r.id.str());
  ++tally_.endpoints_deleted;
  std::vector<JobId> gone;
  for (const auto& [id, job] : jobs_.all()) {
    if (job.request.endpoint == r.id) gone.push_back(id);
  }
  for (const JobId& id : gone) {
    deleted_.insert(id);
    jobs_.erase(id);
  }
  endpoints_.erase(r.id);
  counters_.erase(r.id);
  counted_.erase(r.id);
}

void Ledger::see(const core::CountersSaved& r) {
  counters_.edit(r.endpoint) = r.counters;
  const core::Counters* counted = counted_.find(r.endpoint);
  if (r.counters != (counted ? *counted : core::Counters{})) {
    violated("endpoint {}: counters {}/{}/{} do not follow from its jobs", r.endpoint.str(), r.counters.completed,
             r.counters.failed, r.counters.retried);
  }
}

}  // namespace penstock::simulation
