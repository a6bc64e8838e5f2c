#include "api/why/decision_text.h"

#include <type_traits>

#include "base/number.h"

namespace penstock::api {
namespace {

constexpr int kCountMax = 1'000;

template <class Value>
json::Value json_of(const Value& value) {
  if constexpr (std::is_same_v<Value, int> || std::is_same_v<Value, bool>) {
    return value;
  } else if constexpr (std::is_same_v<Value, Millis>) {
    return std::int64_t{value.count()};
  } else if constexpr (std::is_same_v<Value, std::optional<Millis>>) {
    return value ? json_of(*value) : json::Value();
  } else {
    return std::string(core::to_text(value));
  }
}

template <class Value>
json::Object members(const Value& value) {
  json::Object out;
  core::each_member(value, [&](std::string_view name, const auto& member) { out.emplace_back(name, json_of(member)); });
  return out;
}

Error bad(const char* name, std::string_view value, const std::string& accepted) {
  return {Errc::invalid,
          std::string(name) + " is \"" + std::string(value.substr(0, 100)) + "\"; " + accepted + " is accepted"};
}

Result<std::optional<Time>> instant(const net::Request& request, const char* name) {
  const auto text = request.query_value(name);
  if (!text) return std::nullopt;
  if (const auto ms = parse_number<std::int64_t>(*text); ms && *ms >= 0) return from_ms(*ms);
  if (const auto time = parse_iso8601(std::string(*text))) return time;
  return tl::unexpected(bad(name, *text, "an instant such as 2026-01-31T12:00:00Z, or milliseconds since 1970,"));
}

}  // namespace

Result<core::DecisionQuery> read_decision_query(const net::Request& request, const EndpointId& endpoint) {
  core::DecisionQuery query;
  query.endpoint = endpoint;
  const auto until = instant(request, "at");
  if (!until) return tl::unexpected(until.error());
  const auto from = instant(request, "from");
  if (!from) return tl::unexpected(from.error());
  query.until = *until;
  query.from = *from;
  if (const auto text = request.query_value("limit")) {
    const auto count = parse_number<std::int64_t>(*text);
    if (!count || *count < 1 || *count > kCountMax) {
      return tl::unexpected(bad("limit", *text, "a whole number from 1 to " + std::to_string(kCountMax)));
    }
    query.count = static_cast<int>(*count);
  }
  if (const auto text = request.query_value("cursor"); text && !text->empty()) {
    query.before = parse_number<std::int64_t>(*text);
    if (!query.before) return tl::unexpected(bad("cursor", *text, "the nextCursor of an answer"));
  }
  return query;
}

json::Value decision_json(const core::RecordedDecision& one) {
  json::Object outcome{
      {"started", one.outcome.started}, {"stopped", one.outcome.stopped}, {"missing", one.outcome.missing}};
  if (!one.outcome.ready.empty()) {
    json::Array ready;
    for (const Millis took : one.outcome.ready) ready.emplace_back(std::int64_t{took.count()});
    outcome.emplace_back("readyAfterMs", std::move(ready));
  }
  if (one.outcome.hold != core::ScaleHold::none) outcome.emplace_back("heldBackBy", to_text(one.outcome.hold));
  if (!one.outcome.why.empty()) outcome.emplace_back("why", one.outcome.why);
  return json::Object{{"at", iso8601(one.at)},
                      {"summary", core::in_words(one)},
                      {"inputs", members(one.inputs)},
                      {"decision", members(one.decision)},
                      {"outcome", std::move(outcome)}};
}

}  // namespace penstock::api
