#include "receivers.h"

#include "violation.h"

namespace penstock::simulation {
namespace {

std::string host_of(const std::string& url) {
  return url.substr(0, url.find('/', std::string("https://").size()));
}

}  // namespace

void Receivers::post(core::PostWebhook post) {
  const core::WebhookDelivery& delivery = post.delivery;
  const auto& settings = scenario_.settings;
  if (++in_flight_all_ > settings.webhooks_in_flight_max) violated("{} webhooks are sent at once", in_flight_all_);
  if (++in_flight_[host_of(delivery.url)] > settings.webhooks_in_flight_per_host) {
    violated("{} webhooks are sent at once to {}", in_flight_[host_of(delivery.url)], delivery.url);
  }
  std::optional<int> code = 200;
  Millis delay = dice_.skewed(1ms, 2'000ms);
  if (!calm_ && dice_.chance(scenario_.faults.webhook_refused)) code = dice_.chance(500) ? 500 : 404;
  if (!calm_ && dice_.chance(scenario_.faults.webhook_lost)) {
    code.reset();  // refused, or a time-out; the receiver may have seen it
    delay = dice_.chance(500) ? 1ms : 10'000ms;
  }
  timeline_.after(delay, [this, delivery, code, life = life_] { end(delivery, code, life); });
}

void Receivers::end(const core::WebhookDelivery& delivery, std::optional<int> code, int life) {
  if (life != life_) return;  // its server died: nobody is told
  --in_flight_all_;
  --in_flight_[host_of(delivery.url)];
  if (shell_->up()) shell_->give(core::WebhookPosted{delivery.id, code, code ? "" : "connection refused"});
}

void Receivers::server_died() {
  ++life_;
  in_flight_.clear();
  in_flight_all_ = 0;
}

}  // namespace penstock::simulation
