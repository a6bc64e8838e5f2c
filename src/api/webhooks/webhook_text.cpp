#include "api/webhooks/webhook_text.h"

#include <fmt/format.h>

#include "api/jobs/results.h"
#include "net/http_url.h"

namespace penstock::api {
namespace {

constexpr std::size_t kUrlBytesMax = 2'048;

json::Value time_or_null(const std::optional<Time>& time) {
  return time ? json::Value(iso8601(*time)) : json::Value();
}

std::string omitted_text(bool input, bool output) {
  if (!input && !output) return {};
  return fmt::format("\"omitted\":[{}{}{}],", input ? "\"input\"" : "", input && output ? "," : "",
                     output ? "\"output\"" : "");
}

}  // namespace

std::string webhook_text(const core::WebhookDelivery& delivery) {
  const core::WebhookContent& content = delivery.content;
  std::string out;
  out.reserve(512 + (content.input ? content.input->size() : 0) + (content.output ? content.output->size() : 0));
  out += fmt::format("{{\"delayTime\":{},", content.delay_ms);
  if (content.error) {
    out += "\"error\":";
    json::write_string(out, *content.error);
    out += ',';
  }
  out += fmt::format("\"executionTime\":{},\"id\":\"{}\",", content.execution_ms, delivery.job.str());
  if (content.input) out.append("\"input\":").append(*content.input).append(",");
  const bool in_file = Results::is_reference(content.output);  // too large for memory, so also for a webhook
  out += omitted_text(content.input_omitted, content.output_omitted || in_file);
  if (content.output && !in_file) out.append("\"output\":").append(*content.output).append(",");
  if (content.retries > 0) out += fmt::format("\"retries\":{},", content.retries);
  out += fmt::format("\"status\":\"{}\",\"webhook\":", core::to_text(content.status));
  json::write_string(out, delivery.url);
  return out + "}";
}

json::Object delivery_object(const core::WebhookDelivery& delivery) {
  const core::DeliveryState& state = delivery.state;
  const bool pending = state.status == core::DeliveryStatus::pending;
  return {{"id", delivery.id.str()},
          {"endpointId", delivery.endpoint.str()},
          {"jobId", delivery.job.str()},
          {"jobStatus", core::to_text(delivery.content.status)},
          {"url", delivery.url},
          {"status", core::to_text(state.status)},
          {"attempts", state.attempts},
          {"createdAt", iso8601(delivery.created)},
          {"lastAttemptAt", time_or_null(state.last_attempt)},
          {"lastStatusCode", state.last_code ? json::Value(*state.last_code) : json::Value()},
          {"lastError", state.last_error.empty() ? json::Value() : json::Value(state.last_error)},
          {"nextAttemptAt", pending ? json::Value(iso8601(state.next)) : json::Value()},
          {"settledAt", time_or_null(state.settled)}};
}

Result<void> check_webhook_url(const std::string& url, const net::AddressRules& rules) {
  if (url.size() > kUrlBytesMax) {
    return fail(Errc::invalid,
                fmt::format("webhook is a URL of {} bytes; at most {} are accepted", url.size(), kUrlBytesMax));
  }
  const auto parsed = net::parse_http_url(url);
  if (!parsed) return fail(Errc::invalid, "webhook: " + parsed.error().message);
  if (!net::is_address(parsed->host)) return {};
  const auto refusal = rules.refusal(parsed->host);
  if (!refusal) return {};
  return fail(Errc::invalid, "webhook: " + *refusal +
                                 ", which this server does not post to; whoever runs it may allow that network in "
                                 "webhooks.allowed_networks, or all private ones with webhooks.allow_private");
}

}  // namespace penstock::api
