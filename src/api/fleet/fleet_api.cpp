#include "api/fleet/fleet_api.h"

#include <algorithm>
#include <charconv>

#include "api/answers.h"
#include "api/calls.h"
#include "api/fleet/fleet_text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

constexpr double kThousand = 1'000;
constexpr double kMillion = 1'000'000;

net::Response refusal(const Error& error) {
  net::Response answer = error_answer(error);
  if (error.code == Errc::conflict) answer.status = 409;
  return answer;
}

}  // namespace

bool FleetApi::knows(const std::vector<std::string_view>& parts) {
  if (parts.size() == 1) return parts[0] == "usage" || parts[0] == "budget";
  if (parts.size() < 3 || parts[0] != "endpoints") return false;
  return parts[2] == "releases" || parts[2] == "budget";
}

void FleetApi::handle(net::Request request, const std::vector<std::string_view>& parts, net::Responder responder) {
  const Caller caller = caller_of(request, core_.engine(), false);
  if (caller.kind != Caller::Kind::known) {
    return responder.send(
        error_answer({Errc::unauthenticated, "a valid API key is needed: send Authorization: Bearer <key>"}));
  }
  const AccountId owner = caller.key->account;
  if (request.method != "GET" && caller.key->scope == core::KeyScope::read_only) {
    return responder.send(error_answer({Errc::forbidden, "this API key may only read"}));
  }
  if (parts[0] == "usage") return show_usage(request, owner, std::move(responder));
  EndpointId endpoint;
  if (parts[0] == "endpoints") {
    const auto id = EndpointId::parse(parts[1]);
    const core::Endpoint* known = id ? core_.engine().find_endpoint(*id) : nullptr;
    if (!known || known->owner != owner) {
      return responder.send(
          error_answer({Errc::not_found, "endpoint \"" + std::string(parts[1].substr(0, 128)) + "\" not found"}));
    }
    endpoint = *id;
  }
  const bool budget = parts.back() == "budget";
  if (budget && parts.size() <= 3) return on_budget(request, owner, endpoint, std::move(responder));
  if (parts.size() == 3) {
    if (request.method != "GET") return responder.send(wrong_method(request, "GET"));
    return list_releases(endpoint, std::move(responder));
  }
  if (parts.size() == 5 && parts[4] == "rollback") {
    if (request.method != "POST") return responder.send(wrong_method(request, "POST"));
    return roll_back(owner, endpoint, parts[3], std::move(responder));
  }
  responder.send(error_answer({Errc::not_found,
                               "no such route: endpoints/{id}/releases, endpoints/{id}/releases/{version}/rollback "
                               "and endpoints/{id}/budget are there"}));
}

// ---------------------------------------------------------------- releases

void FleetApi::list_releases(const EndpointId& endpoint, net::Responder responder) {
  const auto releases = core_.list_releases(endpoint);
  if (!releases) return responder.send(error_answer(releases.error()));
  const auto workers = core_.engine().workers_of(endpoint);
  json::Array rows;
  for (const core::Release& release : *releases) {
    const auto staff = std::ranges::count_if(
        workers, [&](const core::WorkerView& view) { return view.worker.release == release.version; });
    rows.emplace_back(release_object(release, static_cast<int>(staff)));
  }
  const core::Endpoint* known = core_.engine().find_endpoint(endpoint);
  json::Object answer{{"endpointVersion", known ? json::Value(known->version) : json::Value()},
                      {"releases", std::move(rows)}};
  responder.send(json_answer(json::write(std::move(answer))));
}

void FleetApi::roll_back(const AccountId& owner, const EndpointId& endpoint, std::string_view version,
                         net::Responder responder) {
  int number = -1;
  const auto parsed = std::from_chars(version.data(), version.data() + version.size(), number);
  auto releases = core_.list_releases(endpoint);
  if (!releases) return responder.send(error_answer(releases.error()));
  const bool is_number = parsed.ec == std::errc{} && parsed.ptr == version.data() + version.size();
  const auto found = std::ranges::find(*releases, number, &core::Release::version);
  if (!is_number || found == releases->end()) {
    const std::string known = releases->empty() ? std::string("none is")
                                                : std::to_string(releases->back().version) + " to " +
                                                      std::to_string(releases->front().version) + " are";
    return responder.send(error_answer(
        {Errc::not_found, "release \"" + std::string(version.substr(0, 40)) + "\" not found; " + known + " kept"}));
  }
  call(core_, core::RollBack{0, owner, std::move(*found)}, std::move(responder),
       [this, endpoint, number](net::Responder& to, core::Reply reply) {
         if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(refusal(*error));
         const core::Endpoint* now = core_.engine().find_endpoint(endpoint);
         json::Object answer{{"endpointId", endpoint.str()},
                             {"version", now ? json::Value(now->version) : json::Value()},
                             {"rollbackOf", number}};
         to.send(json_answer(json::write(std::move(answer))));
       });
}

// ---------------------------------------------------------------- usage

void FleetApi::show_usage(const net::Request& request, const AccountId& owner, net::Responder responder) {
  if (request.method != "GET") return responder.send(wrong_method(request, "GET"));
  auto view = usage_view(request, owner, core_.now());
  if (!view) return responder.send(error_answer(view.error()));
  call(core_, core::MeterUsage{}, std::move(responder),
       [this, view = std::move(*view)](net::Responder& to, core::Reply) {
         const auto rows = core_.list_usage(view.query);
         if (!rows) return to.send(error_answer(rows.error()));
         to.send(json_answer(json::write(usage_object(view, *rows))));
       });
}

void FleetApi::on_budget(const net::Request& request, const AccountId& owner, const EndpointId& endpoint,
                         net::Responder responder) {
  if (request.method == "GET") {
    const core::Spent spent = core_.engine().spent_today(core_.now(), owner, endpoint);
    json::Object answer{{"budget", budget_value(core_.engine().find_budget(owner, endpoint))},
                        {"spentToday", json::Object{{"gpuSeconds", static_cast<double>(spent.gpu_ms) / kThousand},
                                                    {"money", spent.money / kMillion}}}};
    return responder.send(json_answer(json::write(std::move(answer))));
  }
  core::Budget budget{owner, endpoint, std::nullopt};
  if (request.method == "PUT") {
    auto read = read_budget(request.body, owner, endpoint);
    if (!read) return responder.send(error_answer(read.error()));
    budget = std::move(*read);
  } else if (request.method != "DELETE") {
    return responder.send(wrong_method(request, "GET, PUT, DELETE"));
  }
  call(core_, core::SaveBudget{0, budget}, std::move(responder), [budget](net::Responder& to, core::Reply reply) {
    if (const auto* error = std::get_if<Error>(&reply.what)) return to.send(refusal(*error));
    to.send(json_answer(json::write(json::Object{{"budget", budget_value(&budget)}})));
  });
}

}  // namespace penstock::api
