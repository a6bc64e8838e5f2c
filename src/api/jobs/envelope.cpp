#include "api/jobs/envelope.h"

#include <algorithm>
#include <optional>
#include <string>

#include "api/webhooks/webhook_text.h"
#include "base/text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr std::int64_t kWeekMs = 604'800'000;
constexpr std::size_t kShownBytes = 100;

std::string shown(std::string_view value) {
  return value.size() <= kShownBytes ? std::string(value) : std::string(value.substr(0, kShownBytes)) + "...";
}

/// A duration of the policy: absent, null and 0 mean "the endpoint's".
Result<std::optional<Millis>> policy_time(const json::Value& policy, const char* key, std::int64_t low) {
  const json::Value* value = policy.find(key);
  if (!value || value->is_null()) return std::nullopt;
  std::int64_t ms = 0;
  if (const auto* whole = value->as_int()) {
    ms = *whole;
  } else if (const auto* real = value->as_double();
             real && *real >= 0 && *real <= 1e15 && *real == static_cast<double>(static_cast<std::int64_t>(*real))) {
    ms = static_cast<std::int64_t>(*real);
  } else {
    return fail(Errc::invalid, "policy." + std::string(key) + " is " + shown(json::write(*value)) +
                                   "; a whole number of milliseconds is accepted");
  }
  if (ms == 0) return std::nullopt;
  if (ms < low || ms > kWeekMs) {
    return fail(Errc::invalid, "policy." + std::string(key) + " is " + std::to_string(ms) + " ms; it must be from " +
                                   std::to_string(low) + " to " + std::to_string(kWeekMs));
  }
  return Millis{ms};
}

Result<void> read_policy(std::string_view text, core::JobRequest& request) {
  const auto policy = json::parse(text);
  if (!policy) return fail(Errc::invalid, "policy: " + policy.error().message);
  if (policy->is_null()) return {};
  if (!policy->as_object()) return fail(Errc::invalid, "policy is " + shown(text) + "; an object is accepted");
  const auto timeout = policy_time(*policy, "executionTimeout", 5'000);
  if (!timeout) return tl::unexpected<Error>(timeout.error());
  const auto ttl = policy_time(*policy, "ttl", 10'000);
  if (!ttl) return tl::unexpected<Error>(ttl.error());
  request.execution_timeout = *timeout;
  request.ttl = *ttl;
  const json::Value* low = policy->find("lowPriority");
  if (low && !low->is_null()) {
    if (!low->as_bool()) {
      return fail(Errc::invalid, "policy.lowPriority is " + shown(json::write(*low)) + "; true and false are accepted");
    }
    if (*low->as_bool()) request.priority = core::Priority::low;
  }
  const json::Value* priority = policy->find("priority");
  if (!priority || priority->is_null()) return {};
  const auto* name = priority->as_string();
  const auto known = name ? core::parse_priority(*name) : std::nullopt;
  if (!known) {
    return fail(Errc::invalid, "policy.priority is " + shown(json::write(*priority)) +
                                   "; \"high\", \"normal\" and \"low\" are accepted");
  }
  if (request.priority == core::Priority::low && *known != core::Priority::low) {
    return fail(Errc::invalid, "policy.lowPriority is true and policy.priority is \"" + *name + "\": give one of them");
  }
  request.priority = *known;
  return {};
}

Result<std::string> checked_key(const std::string& key, const std::string& from) {
  const bool printable = std::ranges::all_of(key, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!key.empty() && key.size() <= core::kIdempotencyKeyBytesMax && printable) return key;
  return fail(Errc::invalid, from + (printable ? " has " : " has characters that are not printable ASCII among its ") +
                                 std::to_string(key.size()) + " bytes; 1 to " +
                                 std::to_string(core::kIdempotencyKeyBytesMax) + " of printable ASCII are accepted");
}

/// The key of the body, of the header, or both when they say the same.
Result<std::string> key_of(const std::optional<std::string>& in_body, std::string_view header) {
  if (header.empty()) return in_body ? checked_key(*in_body, "idempotencyKey") : Result<std::string>("");
  const bool quoted = header.size() >= 2 && header.starts_with('"') && header.ends_with('"');
  const std::string key(quoted ? header.substr(1, header.size() - 2) : header);
  if (in_body && *in_body != key) {
    return fail(Errc::invalid,
                "the header Idempotency-Key and idempotencyKey in the body differ; give one of them, or the "
                "same twice");
  }
  return checked_key(key, "the header Idempotency-Key");
}

}  // namespace

Result<core::JobRequest> read_submission(std::string body, const net::AddressRules& webhook_rules,
                                         std::string_view key_header) {
  if (trim(body).empty()) {
    return fail(Errc::invalid, "the body is empty; a JSON object with the key \"input\" is expected");
  }
  const auto members = json::split_object(body, json::kPayloadLimits);
  if (!members) return fail(Errc::invalid, "the body is not accepted: " + members.error().message);
  core::JobRequest request;
  std::optional<std::string_view> input;
  std::optional<std::string> key_in_body;
  for (const auto& [key, value] : *members) {
    if (key == "input") {
      if (value == "null") return fail(Errc::invalid, "input is null; any other JSON value is accepted");
      input = value;
    } else if (key == "policy") {
      if (auto read = read_policy(value, request); !read) return tl::unexpected<Error>(read.error());
    } else if (key == "s3Config" && value != "null") {
      if (!value.starts_with('{'))
        return fail(Errc::invalid, "s3Config is " + shown(value) + "; an object is accepted");
      request.s3_config = core::bytes(std::string(value));
    } else if (key == "idempotencyKey" && value != "null") {
      const auto text = json::parse(value);
      if (!text || !text->as_string()) {
        return fail(Errc::invalid, "idempotencyKey is " + shown(value) + "; a text is accepted");
      }
      key_in_body = std::string(*text->as_string());
    } else if (key == "webhook" && value != "null" && value != "\"\"") {
      const auto url = json::parse(value);
      if (!url || !url->as_string()) {
        return fail(Errc::invalid, "webhook is " + shown(value) + "; a URL in a string is accepted");
      }
      if (auto fine = check_webhook_url(*url->as_string(), webhook_rules); !fine) {
        return tl::unexpected<Error>(fine.error());
      }
      request.webhook = *url->as_string();
    }
  }
  auto key = key_of(key_in_body, key_header);
  if (!key) return tl::unexpected<Error>(key.error());
  request.idempotency_key = std::move(*key);
  request.input = input ? core::bytes_of(std::move(body), *input) : core::bytes("{}");
  return request;
}

}  // namespace penstock::api
