#include <algorithm>

#include "core/engine_state.h"
#include "core/webhooks/delivery_rules.h"

namespace penstock::core {
namespace {

// A receiver that could not be reached so often in a row is asked by one post at a time until it answers again, so that
// it does not hold the posts of all others up with its time-outs.
constexpr int kUnreachableInRow = 3;

constexpr std::size_t kShownBytes = 100;

}  // namespace

bool WebhookOrigin::may_send(const EngineSettings& settings) const {
  if (ready.empty()) return false;
  return in_flight < (unreachable_in_row >= kUnreachableInRow ? 1 : settings.webhooks_in_flight_per_host);
}

// ---------------------------------------------------------------- a delivery's way

DeliveryEntry& EngineState::add_delivery(WebhookDelivery delivery) {
  auto made = std::make_unique<DeliveryEntry>(timers);
  made->origin = &webhook_origins[origin_of(delivery.url)];
  ++made->origin->deliveries;
  made->delivery = std::move(delivery);
  DeliveryEntry& entry = *made;
  ENSURE(deliveries.emplace(entry.delivery.id, std::move(made)).second);
  return entry;
}

/// The job has just ended: its webhook is recorded in the same turn, and so as durable as the end itself.
void EngineState::announce_end(const JobEntry& job) {
  WebhookDelivery delivery;
  delivery.id = *DeliveryId::parse("whd_" + uuids.next(now));
  delivery.owner = job.endpoint.endpoint.owner;
  delivery.endpoint = job.request.endpoint;
  delivery.job = job.request.id;
  delivery.url = job.request.webhook;
  delivery.created = now;
  WebhookContent& content = delivery.content;
  content.status = job.state.status;
  content.error = job.state.error;
  content.delay_ms = delay_ms(job.state).value_or(0);
  content.execution_ms = execution_ms(job.state).value_or(0);
  content.retries = job.state.retries;
  content.worker = job.state.worker;
  content.traceparent = job.request.traceparent;
  const auto too_large = [this](const Bytes& payload) {
    return payload && payload->size() > settings.webhook_payload_bytes_max;
  };
  content.input_omitted = too_large(job.request.input);
  content.output_omitted = too_large(job.output);
  if (!content.input_omitted) content.input = job.request.input;
  if (!content.output_omitted) content.output = job.output;
  delivery.state = new_round({}, now);
  fx->records.push_back(WebhookAdded{delivery});
  DeliveryEntry& entry = add_delivery(std::move(delivery));
  entry.complete = true;
  delivery_due(entry);
  if (!entry.in_flight) leave_content(entry);
}

void EngineState::delivery_due(DeliveryEntry& entry) {
  entry.origin->ready.push_back(&entry);
  list_origin(*entry.origin);
  pump_webhooks();
}

/// Input and output are read from the store when they are needed: those who wait must not fill the memory.
void EngineState::leave_content(DeliveryEntry& entry) {
  entry.complete = false;
  entry.delivery.content.input = nullptr;
  entry.delivery.content.output = nullptr;
}

void EngineState::list_origin(WebhookOrigin& origin) {
  if (origin.listed || !origin.may_send(settings)) return;
  origin.listed = true;
  ready_origins.push_back(&origin);
}

/// Posts what is due, the receivers in turns.
void EngineState::pump_webhooks() {
  while (!shut_down && webhooks_in_flight < settings.webhooks_in_flight_max && !ready_origins.empty()) {
    WebhookOrigin& origin = *ready_origins.front();
    ready_origins.pop_front();
    origin.listed = false;
    if (!origin.may_send(settings)) continue;
    DeliveryEntry& entry = *origin.ready.front();
    origin.ready.pop_front();
    ++origin.in_flight;
    ++webhooks_in_flight;
    entry.in_flight = true;
    fx->posts.push_back(PostWebhook{entry.delivery, entry.complete});
    leave_content(entry);
    list_origin(origin);
  }
}

void EngineState::settle_delivery(DeliveryEntry& entry) {
  WebhookOrigin& origin = *entry.origin;
  const std::string name = origin_of(entry.delivery.url);
  --webhooks_open;
  deliveries.erase(DeliveryId(entry.delivery.id));
  if (--origin.deliveries > 0) return;
  if (origin.listed) std::erase(ready_origins, &origin);
  webhook_origins.erase(name);
}

void EngineState::restore_deliveries(std::vector<WebhookDelivery> stored) {
  for (WebhookDelivery& delivery : stored) {
    DeliveryEntry& entry = add_delivery(std::move(delivery));
    leave_content(entry);
    const DeliveryState& state = entry.delivery.state;
    // The wall clock may have been set back while the server was down.
    const Time latest = now + retry_delay(state.round_attempts, settings.webhook_first_retry);
    entry.timer.arm(std::min(state.next, latest), &entry);
    ++webhooks_open;
  }
}

// ---------------------------------------------------------------- commands

void EngineState::on(WebhookPosted& c) {
  const auto found = deliveries.find(c.id);
  if (found == deliveries.end() || !found->second->in_flight) return;
  DeliveryEntry& entry = *found->second;
  WebhookOrigin& origin = *entry.origin;
  entry.in_flight = false;
  --origin.in_flight;
  --webhooks_in_flight;
  origin.unreachable_in_row = c.code ? 0 : origin.unreachable_in_row + 1;
  DeliveryState& state = entry.delivery.state;
  state = after_attempt(state, now, AttemptOutcome{c.code, c.error}, settings);
  fx->records.push_back(WebhookChanged{c.id, state});
  ++(state.status == DeliveryStatus::delivered ? webhook_counts.delivered : webhook_counts.failed);
  if (state.status == DeliveryStatus::failed) {
    ++webhook_counts.given_up;
    fx->warnings.push_back("webhook " + c.id.str() + " of job " + to_string(entry.delivery.job) +
                           " is given up after " + std::to_string(state.round_attempts) +
                           " attempts: " + state.last_error.substr(0, kShownBytes));
  }
  list_origin(origin);
  if (state.status == DeliveryStatus::pending) {
    entry.timer.arm(state.next, &entry);
  } else {
    settle_delivery(entry);
  }
  pump_webhooks();
}

void EngineState::on(RedeliverWebhook& c) {
  const DeliveryId id = c.delivery.id;
  auto found = deliveries.find(id);
  if (c.delivery.owner != c.owner || (found == deliveries.end() && c.delivery.state.expires <= now)) {
    return reply_error(c.to, Errc::not_found, "webhook delivery \"" + id.str() + "\" not found");
  }
  if (found != deliveries.end() && found->second->in_flight) {
    return reply_error(c.to, Errc::conflict,
                       "webhook delivery \"" + id.str() + "\" is being sent right now; ask again when that has ended");
  }
  const bool waits = found != deliveries.end() && !found->second->timer.armed();
  DeliveryEntry& entry = found != deliveries.end() ? *found->second : add_delivery(std::move(c.delivery));
  if (found == deliveries.end()) ++webhooks_open;
  leave_content(entry);
  entry.timer.disarm();
  entry.delivery.state = new_round(entry.delivery.state, now);
  fx->records.push_back(WebhookChanged{id, entry.delivery.state});
  reply(c.to, DeliveryReply{entry.delivery});
  if (!waits) delivery_due(entry);  // otherwise it is due already and waits for its turn
}

void EngineState::on(SaveWebhookSecret& c) {
  const auto found = accounts.find(c.owner);
  if (found == accounts.end()) return reply_error(c.to, Errc::not_found, "account \"" + c.owner.str() + "\" not found");
  Account& account = found->second;
  account.webhook_secret_before = std::move(account.webhook_secret);
  account.webhook_secret = std::move(c.sealed);
  account.webhook_secret_since = now;
  fx->records.push_back(AccountSaved{account});
  reply(c.to, Done{});
}

void EngineState::check_deliveries() const {
  int posts = 0;
  for (const auto& [id, entry] : deliveries) {
    posts += entry->in_flight ? 1 : 0;
    const auto& ready = entry->origin->ready;
    const bool waits = std::ranges::find(ready, entry.get()) != ready.end();
    ENSURE((entry->in_flight ? 1 : 0) + (entry->timer.armed() ? 1 : 0) + (waits ? 1 : 0) == 1);
    ENSURE(!entry->complete);
    ENSURE(!waits || shut_down || entry->origin->listed || !entry->origin->may_send(settings));
  }
  ENSURE(posts == webhooks_in_flight && posts <= settings.webhooks_in_flight_max);
  ENSURE(ready_origins.empty() || shut_down || posts == settings.webhooks_in_flight_max);
}

}  // namespace penstock::core
