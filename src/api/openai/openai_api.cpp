#include "api/openai/openai_api.h"

#include <memory>
#include <string>

#include "api/auth/access.h"
#include "api/openai/openai_call.h"
#include "api/openai/openai_text.h"
#include "base/text.h"

namespace penstock::api {
namespace {

net::Response wrong_openai_method(const std::string& method) {
  auto response = openai_error(405, method + " is not accepted here; use GET or POST", "invalid_request_error", "");
  response.headers.emplace_back("Allow", "GET, POST");
  return response;
}

}  // namespace

void OpenAiApi::handle(const net::Request& request, PathParts parts, net::Responder responder) {
  const auto refuse = [&](Errc code, std::string message) {
    responder.send(openai_error(Error{code, std::move(message)}));
  };
  if (request.method != "GET" && request.method != "POST") return responder.send(wrong_openai_method(request.method));
  const auto key = known_key(request, core_.engine(), false);
  if (!key) return responder.send(openai_error(key.error()));
  const auto known = own_endpoint(core_.engine(), (*key)->account, parts[0]);
  if (!known) return responder.send(openai_error(known.error()));
  const EndpointId endpoint = (*known)->id;
  if (!check_may_write(**key)) {
    return refuse(Errc::forbidden, "this API key may only read, and every request here is a job");
  }
  if (parts.size() < 4 || parts[2] != "v1") {
    return refuse(Errc::not_found, "no such route: paths look like /v2/" + endpoint.str() + "/openai/v1/models");
  }
  if (const auto refused = admission_.admit(endpoint, core::Operation::openai, responder)) {
    return responder.send(openai_busy(refused->message, refused->retry_after_s));
  }
  const std::string route = "/" + join(std::vector(parts.begin() + 2, parts.end()), "/");
  const bool posts = request.method == "POST";
  if (posts && trim(request.body).empty()) {
    return refuse(Errc::invalid, "the body is empty; a JSON object is expected, or GET " + request.path);
  }
  auto question = openai_question(route, posts ? std::string_view(request.body) : std::string_view());
  if (!question) return refuse(question.error().code, question.error().message);
  const OpenAiMeans means{core_, loop_, traces_, results_, timeout_};
  std::make_shared<OpenAiCall>(means, endpoint, question->streams, std::move(responder))
      ->submit(std::move(question->input), client_traceparent(request));
}

}  // namespace penstock::api
