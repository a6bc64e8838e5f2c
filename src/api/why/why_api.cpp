#include "api/why/why_api.h"

#include "api/answers.h"
#include "api/auth/keys.h"
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

bool WhyApi::knows(const std::vector<std::string_view>& parts) {
  return parts.size() == 3 && (parts[0] == "jobs" || parts[0] == "endpoints") && parts[2] == "why";
}

void WhyApi::handle(net::Request request, const std::vector<std::string_view>& parts, net::Responder responder) {
  const Caller caller = caller_of(request, core_.engine(), false);
  if (caller.kind != Caller::Kind::known) {
    return responder.send(
        error_answer({Errc::unauthenticated, "a valid API key is needed: send Authorization: Bearer <key>"}));
  }
  if (request.method != "GET") return responder.send(wrong_method(request, "GET"));
  const AccountId owner = caller.key->account;
  responder.send(parts[0] == "jobs" ? of_job(owner, parts[1]) : of_endpoint(owner, parts[1]));
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

net::Response WhyApi::of_endpoint(const AccountId& owner, std::string_view id) const {
  const auto endpoint = EndpointId::parse(id);
  const core::Endpoint* known = endpoint ? core_.engine().find_endpoint(*endpoint) : nullptr;
  if (!known || known->owner != owner) {
    return error_answer({Errc::not_found, "endpoint \"" + std::string(id.substr(0, 128)) + "\" not found"});
  }
  const auto why = core_.engine().why(core_.now(), *endpoint);
  if (!why) return error_answer(why.error());
  json::Object answer{{"endpointId", endpoint->str()}, {"name", known->name}};
  add(answer, *why);
  return json_answer(json::write(std::move(answer)));
}

}  // namespace penstock::api
