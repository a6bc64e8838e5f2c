#include "api/fleet/fleet_api.h"

#include <algorithm>
#include <charconv>

#include "api/answers.h"
#include "api/auth/access.h"
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

bool FleetApi::knows(PathParts parts) {
  if (parts.size() == 1) return parts[0] == "usage" || parts[0] == "budget";
  if (parts.size() < 3 || parts[0] != "endpoints") return false;
  return parts[2] == "releases" || parts[2] == "budget";
}

void FleetApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  const AccountId owner = (*key)->account;
  if (request.method != "GET") {
    if (auto allowed = check_may_write(**key); !allowed) return responder.send(error_answer(allowed.error()));
  }
  if (parts[0] == "usage") return show_usage(request, owner, std::move(responder));
  EndpointId endpoint;
  if (parts[0] == "endpoints") {
    const auto known = own_endpoint(core_.engine(), owner, parts[1]);
    if (!known) return responder.send(error_answer(known.error()));
    endpoint = (*known)->id;
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
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  core_.list_releases(endpoint, [this, to, endpoint](const Result<std::vector<core::Release>>& releases) {
    if (!releases) return to->send(error_answer(releases.error()));
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
    to->send(json_answer(json::write(std::move(answer))));
  });
}

void FleetApi::roll_back(const AccountId& owner, const EndpointId& endpoint, std::string_view version,
                         net::Responder responder) {
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  core_.list_releases(
      endpoint, [this, to, owner, version = std::string(version)](const Result<std::vector<core::Release>>& releases) {
        if (!releases) return to->send(error_answer(releases.error()));
        const auto found = std::ranges::find_if(
            *releases, [&](const core::Release& release) { return std::to_string(release.version) == version; });
        if (found != releases->end()) return roll_back_to(owner, *found, std::move(*to));
        const std::string known = releases->empty() ? std::string("none is")
                                                    : std::to_string(releases->back().version) + " to " +
                                                          std::to_string(releases->front().version) + " are";
        to->send(
            error_answer({Errc::not_found, "release \"" + version.substr(0, 40) + "\" not found; " + known + " kept"}));
      });
}

void FleetApi::roll_back_to(const AccountId& owner, const core::Release& release, net::Responder responder) {
  call(core_, core::RollBack{0, owner, release}, std::move(responder),
       [this, endpoint = release.endpoint, number = release.version](net::Responder& to, core::Reply reply) {
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
         const auto later = std::make_shared<net::Responder>(std::move(to));
         const core::EngineSettings& settings = core_.engine().settings();
         const core::Prices prices{settings.prices, settings.discount, settings.discount_until};
         core_.list_usage(view.query,
                          [later, view, prices, now = core_.now()](const Result<std::vector<core::UsageRow>>& rows) {
                            if (!rows) return later->send(error_answer(rows.error()));
                            later->send(json_answer(json::write(usage_object(view, *rows, prices, now))));
                          });
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
