#include "api/why/why_api.h"

#include "api/answers.h"
#include "api/auth/access.h"
#include "api/why/decision_text.h"
#include "json/json.h"

namespace penstock::api {
namespace {

json::Array texts(const std::vector<std::string>& all) {
  json::Array out;
  for (const std::string& text : all) out.emplace_back(text);
  return out;
}

void add(json::Object& answer, const core::Why& why) {
  answer.emplace_back("summary", why.summary);
  answer.emplace_back("facts", texts(why.facts));
  answer.emplace_back("helps", texts(why.helps));
}

net::Response job_not_found(std::string_view id) {
  return error_answer({Errc::not_found, "job \"" + std::string(id.substr(0, 128)) +
                                            "\" not found: it was never submitted here, or its result has been "
                                            "forgotten"});
}

}  // namespace

bool WhyApi::knows(PathParts parts) {
  if (parts.size() != 3) return false;
  if (parts[0] == "jobs") return parts[2] == "why";
  return parts[0] == "endpoints" && (parts[2] == "why" || parts[2] == "decisions");
}

void WhyApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(error_answer(key.error()));
  if (request.method != "GET") return responder.send(wrong_method(request, "GET"));
  const AccountId owner = (*key)->account;
  if (parts[0] == "jobs") return responder.send(of_job(owner, parts[1]));
  const auto endpoint = own_endpoint(core_.engine(), owner, parts[1]);
  if (!endpoint) return responder.send(error_answer(endpoint.error()));
  responder.send(parts[2] == "why" ? of_endpoint(**endpoint) : decisions(**endpoint, request));
}

net::Response WhyApi::of_job(const AccountId& owner, std::string_view id) {
  const auto job = JobId::parse(id);
  if (!job) return error_answer({Errc::not_found, job.error().message});
  const auto endpoint = core_.endpoint_of(owner, *job);
  if (!endpoint) return error_answer(endpoint.error());
  if (!*endpoint) return job_not_found(id);
  if (auto recalled = core_.recall(**endpoint, *job); !recalled) return error_answer(recalled.error());
  const auto why = core_.engine().why(core_.now(), **endpoint, *job);
  if (!why) return error_answer(why.error());
  const auto view = core_.engine().find_job(core_.now(), **endpoint, *job);
  json::Object answer{{"id", job->str()}, {"endpointId", (*endpoint)->str()}, {"status", to_text(view->status)}};
  if (view->wait) {
    answer.emplace_back("waitReason", json::Object{{"code", to_text(view->wait->code)},
                                                   {"message", view->wait->message},
                                                   {"since", iso8601(view->wait->since)}});
  }
  add(answer, *why);
  return json_answer(json::write(std::move(answer)));
}

net::Response WhyApi::of_endpoint(const core::Endpoint& endpoint) const {
  const auto why = core_.engine().why(core_.now(), endpoint.id);
  if (!why) return error_answer(why.error());
  json::Object answer{{"endpointId", endpoint.id.str()}, {"name", endpoint.name}};
  add(answer, *why);
  return json_answer(json::write(std::move(answer)));
}

net::Response WhyApi::decisions(const core::Endpoint& endpoint, const net::Request& request) const {
  auto query = read_decision_query(request, endpoint.id);
  if (!query) return error_answer(query.error());
  const auto page = list_decisions_(*query);
  if (!page) return error_answer(page.error());
  json::Array all;
  for (const core::RecordedDecision& one : page->decisions) all.push_back(decision_json(one));
  json::Object answer{{"decisions", std::move(all)}};
  if (page->next) answer.emplace_back("nextCursor", std::to_string(*page->next));
  return json_answer(json::write(std::move(answer)));
}

}  // namespace penstock::api
