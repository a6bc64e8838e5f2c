#pragma once

#include <set>

#include "core/commands.h"
#include "core/records.h"
#include "core/settings.h"
#include "shadow.h"

namespace penstock::simulation {

/// The witness of webhooks: each end of a job that has one is recorded in the same turn, once, with what it was; a
/// delivery is sent under one id until a receiver took it or the rules gave it up; nothing else settles it.
class DeliveryLedger {
 public:
  DeliveryLedger(const core::EngineSettings& settings, Tally& tally) : settings_(settings), tally_(tally) {}

  /// The job, which has a webhook, has just come to an end.
  void ended(const JobShadow& job) { untold_.emplace(job.request.id, job); }
  void see(Time now, const core::WebhookAdded& r);
  void see(Time now, const core::WebhookChanged& r, const core::Command* command);
  void see(const core::JobsForgotten& r);
  /// Nothing more comes of this command.
  void applied();

  void commit() { deliveries_.commit(); }
  void roll_back() { deliveries_.roll_back(); }

  const Versioned<DeliveryId, core::WebhookDelivery>& deliveries() const { return deliveries_; }
  /// One that is still to be delivered.
  const core::WebhookDelivery* pending() const;

 private:
  core::EngineSettings settings_;
  Tally& tally_;
  Versioned<DeliveryId, core::WebhookDelivery> deliveries_;
  std::map<JobId, JobShadow> untold_;
  std::set<DeliveryId> ids_;  // ever given
};

}  // namespace penstock::simulation
