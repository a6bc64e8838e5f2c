#include "delivery_ledger.h"

#include <algorithm>

#include "violation.h"

namespace penstock::simulation {
namespace {

using core::DeliveryStatus;

bool same(const core::Bytes& a, const core::Bytes& b) {
  return a == b || (a && b && *a == *b);
}

}  // namespace

void DeliveryLedger::see(Time now, const core::WebhookAdded& r) {
  const core::WebhookDelivery& d = r.delivery;
  const auto found = untold_.find(d.job);
  if (found == untold_.end()) violated("webhook {} tells of job {}, which has not ended", d.id.str(), d.job.str());
  const JobShadow job = std::move(found->second);
  untold_.erase(found);
  if (!ids_.insert(d.id).second) violated("webhook id {} was given twice", d.id.str());
  const bool agrees = d.url == job.request.webhook && d.endpoint == job.request.endpoint && d.created == now &&
                      d.content.status == job.state.status && d.content.error == job.state.error &&
                      d.content.retries == job.state.retries && d.content.worker == job.state.worker &&
                      same(d.content.input, job.request.input) && same(d.content.output, job.output);
  if (!agrees) violated("webhook {} tells something else than the end of job {}", d.id.str(), d.job.str());
  if (d.state.status != DeliveryStatus::pending || d.state.next != now || d.state.attempts != 0) {
    violated("webhook {} does not begin at once", d.id.str());
  }
  deliveries_.edit(d.id) = d;
}

void DeliveryLedger::see(Time now, const core::WebhookChanged& r, const core::Command* command) {
  const core::WebhookDelivery* known = deliveries_.find(r.id);
  if (!known) violated("webhook {} changed but is not there", r.id.str());
  const core::DeliveryState before = known->state;
  const core::DeliveryState& after = r.state;
  const auto* again = command ? std::get_if<core::RedeliverWebhook>(command) : nullptr;
  const auto* posted = command ? std::get_if<core::WebhookPosted>(command) : nullptr;
  if (again && again->delivery.id == r.id) {
    if (after.status != DeliveryStatus::pending || after.next != now || after.attempts != before.attempts) {
      violated("webhook {} is not sent again at once", r.id.str());
    }
    ++tally_.webhooks_sent_again;
  } else if (posted && posted->id == r.id) {
    if (before.status != DeliveryStatus::pending) violated("webhook {} was settled and sent again", r.id.str());
    if (after.attempts != before.attempts + 1) violated("webhook {}: attempts skip", r.id.str());
    const bool taken = posted->code && *posted->code / 100 == 2;
    const bool may_end = after.round_attempts >= 3 && after.next - after.round_started > settings_.webhook_retry_for;
    const DeliveryStatus due = taken     ? DeliveryStatus::delivered
                               : may_end ? DeliveryStatus::failed
                                         : DeliveryStatus::pending;
    if (after.status != due) {
      violated("webhook {} is {} after attempt {} of its round; the rules say {}", r.id.str(), to_text(after.status),
               after.round_attempts, to_text(due));
    }
    if (due == DeliveryStatus::pending && after.next <= now) violated("webhook {} is repeated at once", r.id.str());
    tally_.webhooks_delivered += taken ? 1 : 0;
    tally_.webhooks_given_up += due == DeliveryStatus::failed ? 1 : 0;
  } else {
    violated("webhook {} became {} by nothing that was told", r.id.str(), to_text(after.status));
  }
  deliveries_.edit(r.id).state = after;
}

void DeliveryLedger::see(const core::JobsForgotten& r) {
  std::vector<DeliveryId> gone;
  for (const auto& [id, delivery] : deliveries_.all()) {
    const bool settled = delivery.state.status != DeliveryStatus::pending;
    if (settled && delivery.state.expires <= r.expired_at) gone.push_back(id);
  }
  for (const DeliveryId& id : gone) deliveries_.erase(id);
}

void DeliveryLedger::applied() {
  if (untold_.empty()) return;
  violated("job {} ended and its webhook was not recorded", untold_.begin()->first.str());
}

const core::WebhookDelivery* DeliveryLedger::pending() const {
  for (const auto& [id, delivery] : deliveries_.all()) {
    if (delivery.state.status == DeliveryStatus::pending) return &delivery;
  }
  return nullptr;
}

}  // namespace penstock::simulation
