#include "api/webhooks/webhook_sender.h"

#include <memory>

#include "api/webhooks/signing.h"
#include "api/webhooks/webhook_text.h"

namespace penstock::api {
namespace {

constexpr Millis kOldSecretSigns{86'400'000};  // after it was replaced
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

/// Runs on the client's thread: a large body is put together and signed there.
net::ClientRequest request_of(const core::WebhookDelivery& delivery, const std::vector<std::string>& secrets,
                              const std::optional<TraceContext>& trace, std::int64_t unix_seconds, Millis timeout) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = delivery.url;
  request.body = webhook_text(delivery);
  request.timeout = timeout;
  request.connect_timeout = timeout;
  request.answer_bytes_max = kAnswerBytesMax;
  request.may_cut_answer = true;
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "Penstock-Webhook/1"},
                     {"X-Penstock-Delivery", delivery.id.str()},
                     {"X-Penstock-Attempt", std::to_string(delivery.state.attempts + 1)},
                     {"X-Penstock-Signature", webhook_signature(secrets, unix_seconds, request.body)}};
  if (trace) request.headers.emplace_back("traceparent", trace->header());
  return request;
}

}  // namespace

void WebhookSender::post(core::PostWebhook post) {
  const DeliveryId id = post.delivery.id;
  const auto give_up = [&](std::string why) { told_(core::WebhookPosted{id, std::nullopt, std::move(why)}); };
  if (!post.complete) {
    auto stored = core_.find_delivery(id);
    if (!stored) return give_up(stored.error().message);
    if (!*stored) return give_up("the delivery is no longer kept");
    post.delivery.content = std::move((*stored)->content);
  }
  auto secrets = secrets_of(post.delivery.owner);
  if (!secrets) return give_up("it cannot be signed: " + secrets.error().message);
  const std::int64_t seconds = to_ms(core_.now()) / 1'000;
  const auto delivery = std::make_shared<const core::WebhookDelivery>(std::move(post.delivery));
  auto trace = traces_.of(delivery->job, delivery->content.traceparent);
  client_.send([delivery, seconds, trace = std::move(trace), keys = std::move(*secrets),
                timeout = timeout_] { return request_of(*delivery, keys, trace, seconds, timeout); },
               [this, id](Result<net::ClientResponse> result) {
                 if (result) return told_(core::WebhookPosted{id, result->status, {}});
                 told_(core::WebhookPosted{id, std::nullopt, result.error().message});
               });
}

Result<std::vector<std::string>> WebhookSender::secrets_of(const AccountId& owner) const {
  const core::Account* account = core_.engine().find_account(owner);
  if (!account) return fail(Errc::not_found, "its account is gone");
  auto current = vault_.open(account->webhook_secret);
  if (!current) return tl::unexpected<Error>(current.error());
  std::vector<std::string> secrets = {std::move(*current)};
  const bool overlaps = core_.now() < account->webhook_secret_since + kOldSecretSigns;
  if (!account->webhook_secret_before.empty() && overlaps) {
    if (auto before = vault_.open(account->webhook_secret_before)) secrets.push_back(std::move(*before));
  }
  return secrets;
}

}  // namespace penstock::api
