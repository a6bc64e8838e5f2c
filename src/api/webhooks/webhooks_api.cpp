#include "api/webhooks/webhooks_api.h"

#include "api/answers.h"
#include "api/auth/access.h"
#include "api/calls.h"
#include "api/webhooks/signing.h"
#include "api/webhooks/webhook_text.h"
#include "base/number.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr int kListDefault = 100;
constexpr int kListMax = 1'000;

/// Reads an identifier of the query; nothing when it is not given. Errors: invalid.
template <class Id>
Result<std::optional<Id>> id_of(const net::Request& request, const char* name) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return std::nullopt;
  auto id = Id::parse(*text);
  if (!id) return fail(Errc::invalid, std::string(name) + ": " + id.error().message);
  return std::move(*id);
}

Result<int> count_of(const net::Request& request) {
  const auto text = request.query_value("limit");
  if (!text) return kListDefault;
  const auto count = parse_number<int>(*text);
  if (!count || *count < 1 || *count > kListMax) {
    return fail(Errc::invalid, "limit is \"" + std::string(text->substr(0, 40)) + "\"; a number from 1 to " +
                                   std::to_string(kListMax) + " is accepted");
  }
  return *count;
}

Result<core::DeliveryQuery> query_of(const net::Request& request, const AccountId& owner) {
  core::DeliveryQuery query;
  query.owner = owner;
  auto endpoint = id_of<EndpointId>(request, "endpoint");
  if (!endpoint) return tl::unexpected<Error>(endpoint.error());
  auto job = id_of<JobId>(request, "job");
  if (!job) return tl::unexpected<Error>(job.error());
  auto cursor = id_of<DeliveryId>(request, "cursor");
  if (!cursor) return tl::unexpected<Error>(cursor.error());
  const auto count = count_of(request);
  if (!count) return tl::unexpected<Error>(count.error());
  query.endpoint = std::move(*endpoint);
  query.job = std::move(*job);
  query.before = std::move(*cursor);
  query.count = *count;
  const auto status = request.query_value("status");
  if (!status || status->empty()) return query;
  query.status = core::parse_delivery_status(*status);
  if (!query.status) {
    return fail(Errc::invalid,
                "status is \"" + std::string(status->substr(0, 40)) + "\"; PENDING, DELIVERED and FAILED are accepted");
  }
  return query;
}

}  // namespace

bool WebhooksApi::knows(std::string_view part) {
  return part == "webhook-deliveries" || part == "webhook-secret";
}

void WebhooksApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  const AccountId& owner = (*key)->account;
  const bool secret = parts[0] == "webhook-secret";
  const bool acts = (parts.size() == 2 && secret && parts[1] == "rotate") ||
                    (parts.size() == 3 && !secret && parts[2] == "redeliver");
  const bool reads = parts.size() == 1 || (parts.size() == 2 && !secret);
  if (!acts && !reads) {
    return responder.send(
        error_answer({Errc::not_found,
                      "no such route: webhook-deliveries, webhook-deliveries/{id}, webhook-deliveries/{id}/redeliver, "
                      "webhook-secret and webhook-secret/rotate are there"}));
  }
  const char* method = acts ? "POST" : "GET";
  if (request.method != method) return responder.send(wrong_method(request, method));
  if ((*key)->scope == core::KeyScope::read_only && (acts || secret)) {
    return responder.send(error_answer({Errc::forbidden, "this API key may only read, and no secrets"}));
  }
  if (secret && acts) return rotate_secret(owner, std::move(responder));
  if (secret) return show_secret(owner, std::move(responder));
  if (acts) return redeliver(owner, parts[1], std::move(responder));
  if (parts.size() == 2) return show(owner, parts[1], std::move(responder));
  list(request, owner, std::move(responder));
}

void WebhooksApi::list(const net::Request& request, const AccountId& owner, net::Responder responder) {
  auto query = query_of(request, owner);
  if (!query) return responder.send(error_answer(query.error()));
  const int count = query->count++;  // one more tells whether there is a next page
  auto found = core_.list_deliveries(*query);
  if (!found) return responder.send(error_answer(found.error()));
  const bool more = static_cast<int>(found->size()) > count;
  if (more) found->pop_back();
  json::Array rows;
  for (const core::WebhookDelivery& delivery : *found) rows.emplace_back(delivery_object(delivery));
  json::Object answer{{"deliveries", std::move(rows)},
                      {"cursor", more ? json::Value(found->back().id.str()) : json::Value()}};
  responder.send(json_answer(json::write(std::move(answer))));
}

Result<core::WebhookDelivery> WebhooksApi::find(const AccountId& owner, std::string_view id) {
  const auto parsed = DeliveryId::parse(id);
  if (!parsed) return fail(Errc::not_found, parsed.error().message);
  auto found = core_.find_delivery(*parsed);
  if (!found) return tl::unexpected<Error>(found.error());
  if (!*found || (*found)->owner != owner) {
    return fail(Errc::not_found, "webhook delivery \"" + parsed->str() + "\" not found");
  }
  return std::move(**found);
}

void WebhooksApi::show(const AccountId& owner, std::string_view id, net::Responder responder) {
  const auto found = find(owner, id);
  if (!found) return responder.send(error_answer(found.error()));
  responder.send(json_answer(json::write(delivery_object(*found))));
}

void WebhooksApi::redeliver(const AccountId& owner, std::string_view id, net::Responder responder) {
  auto found = find(owner, id);
  if (!found) return responder.send(error_answer(found.error()));
  call(core_, core::RedeliverWebhook{0, owner, std::move(*found)}, std::move(responder),
       [](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) {
           net::Response answer = error_answer(*error);
           if (error->code == Errc::conflict) answer.status = 409;
           return to.send(std::move(answer));
         }
         to.send(json_answer(json::write(delivery_object(std::get<core::DeliveryReply>(reply.what).delivery))));
       });
}

void WebhooksApi::show_secret(const AccountId& owner, net::Responder responder) {
  const auto secret = vault_.open(core_.engine().find_account(owner)->webhook_secret);
  if (!secret) return responder.send(error_answer(secret.error()));
  responder.send(json_answer(json::write(json::Object{{"secret", *secret}})));
}

void WebhooksApi::rotate_secret(const AccountId& owner, net::Responder responder) {
  const std::string secret = make_webhook_secret(random_);
  call(core_, core::SaveWebhookSecret{0, owner, vault_.seal(secret)}, std::move(responder),
       [secret](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(error_answer(*error));
         to.send(json_answer(json::write(json::Object{{"secret", secret}})));
       });
}

}  // namespace penstock::api
