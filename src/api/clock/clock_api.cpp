#include "api/clock/clock_api.h"

#include <memory>

#include "api/answers.h"
#include "api/auth/access.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr Millis kMost{31'622'400'000};  // 366 days

Result<Millis> read_step(const std::string& body, Time now) {
  const std::string accepted =
      R"({"ms": N}, {"seconds": N} or {"to": "2026-01-01T12:00:00Z"} is accepted, up to 366 days ahead)";
  const auto value = json::parse(body);
  if (!value) return fail(Errc::invalid, "the body is no JSON (" + value.error().message + "); " + accepted);
  const json::Object* object = value->as_object();
  if (!object || object->size() != 1) return fail(Errc::invalid, "one key is expected: " + accepted);
  const auto& [key, amount] = object->front();
  Millis step{-1};
  if (key == "ms" && amount.as_int()) {
    step = Millis{*amount.as_int()};
  } else if (key == "seconds" && amount.as_int() && *amount.as_int() <= kMost.count()) {
    step = Millis{*amount.as_int() * 1'000};
  } else if (key == "seconds" && amount.as_double() && *amount.as_double() <= static_cast<double>(kMost.count())) {
    step = Millis{static_cast<std::int64_t>(*amount.as_double() * 1'000)};
  } else if (key == "to" && amount.as_string()) {
    const auto to = parse_iso8601(*amount.as_string());
    if (to && *to < now) return fail(Errc::invalid, "to is before " + iso8601(now) + ": the clock never goes back");
    if (to) step = *to - now;
  }
  if (step < Millis{0} || step > kMost) {
    return fail(Errc::invalid, "\"" + key.substr(0, 50) + "\": " + json::write(amount).substr(0, 100) +
                                   " is not accepted; " + accepted);
  }
  return step;
}

}  // namespace

void ClockApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  if (parts.size() == 1) {
    return responder.send(request.method == "GET" ? now() : wrong_method(request, "GET"));
  }
  if (parts.size() != 2 || parts[1] != "advance") {
    return responder.send(
        error_answer({Errc::not_found, "no such route: /penstock/v1/clock and .../advance are there"}));
  }
  if (request.method != "POST") return responder.send(wrong_method(request, "POST"));
  if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  advance(request, std::move(responder));
}

net::Response ClockApi::now() const {
  return json_answer(json::write(json::Object{{"now", iso8601(core_.now())}, {"virtual", time_ != nullptr}}));
}

void ClockApi::advance(const net::Request& request, net::Responder responder) {
  if (!time_) {
    return responder.send(
        error_answer({Errc::conflict,
                      "the clock of this server is the real one; `penstock serve --ephemeral --clock virtual` has one "
                      "that can be advanced"}));
  }
  const auto step = read_step(request.body, core_.now());
  if (!step) return responder.send(error_answer(step.error()));
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  time_->advance(*step, [this, to](const Result<std::uint64_t>& steps) {
    if (!steps) return to->send(error_answer(steps.error()));
    to->send(json_answer(json::write(
        json::Object{{"now", iso8601(core_.now())}, {"virtual", true}, {"steps", static_cast<std::int64_t>(*steps)}})));
  });
}

}  // namespace penstock::api
