#include "api/graphql/transport.h"

#include <algorithm>
#include <charconv>

#include "api/answers.h"
#include "api/graphql/codes.h"
#include "graphql/error.h"

namespace penstock::api {
namespace {

using Read = tl::expected<Question, net::Response>;

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kGraphqlResponse = "application/graphql-response+json; charset=utf-8";

net::Response answer(std::string_view content_type, std::string body, int status) {
  net::Response response = json_answer(std::move(body), status);
  response.content_type = content_type;
  return response;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what is in front of the separator off the text.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const std::string_view part = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<Media> media_named(std::string_view type) {
  if (same_text(type, "application/graphql-response+json")) return Media::graphql_response;
  if (same_text(type, "application/json")) return Media::json;
  if (same_text(type, "text/event-stream")) return Media::event_stream;
  if (type == "*/*" || same_text(type, "application/*")) return Media::usual;
  return std::nullopt;
}

double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take(parameters, ';');
    const std::string_view name = take(parameter, '=');
    double weight = 0;
    if (same_text(name, "q")) {
      std::from_chars(parameter.data(), parameter.data() + parameter.size(), weight);
      return weight;
    }
  }
  return 1;
}

tl::unexpected<net::Response> bad(std::string message) {
  return tl::unexpected<net::Response>(refusal(400, std::move(message), kBadRequest));
}

tl::unexpected<net::Response> no_query() {
  return bad("GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.");
}

Read read_variables(Question question, const json::Value& variables) {
  if (variables.is_null()) return question;
  if (!variables.as_object())
    return bad("`variables` must be an object, not " + std::string(variables.type_name()) + ".");
  question.variables = variables;
  return question;
}

Read read_body(const std::string& body) {
  const auto parsed = json::parse(body);
  if (!parsed) return bad("The body is not accepted: " + parsed.error().message);
  if (parsed->as_array()) return bad("Operation batching disabled.");
  if (!parsed->as_object()) return bad("The body must be a JSON object with the key `query`.");
  Question question;
  const json::Value* text = parsed->find("query");
  if (!text || !text->as_string() || text->as_string()->empty()) return no_query();
  question.text = *text->as_string();
  const json::Value* operation = parsed->find("operationName");
  if (operation && !operation->is_null()) {
    if (!operation->as_string())
      return bad("`operationName` must be a string, not " + std::string(operation->type_name()) + ".");
    if (!operation->as_string()->empty()) question.operation = *operation->as_string();
  }
  const json::Value* extensions = parsed->find("extensions");
  if (extensions && !extensions->is_null() && !extensions->as_object()) {
    return bad("`extensions` must be an object, not " + std::string(extensions->type_name()) + ".");
  }
  const json::Value* variables = parsed->find("variables");
  return read_variables(std::move(question), variables ? *variables : json::Value());
}

Read read_query_string(const net::Request& request) {
  Question question;
  const auto text = request.query_value("query");
  if (!text || text->empty()) return no_query();
  question.text = *text;
  if (const auto operation = request.query_value("operationName"); operation && !operation->empty()) {
    question.operation = *operation;
  }
  const auto variables = request.query_value("variables");
  if (!variables || variables->empty()) return question;
  const auto parsed = json::parse(*variables);
  if (!parsed) return bad("`variables` is not accepted: " + parsed.error().message);
  return read_variables(std::move(question), *parsed);
}

}  // namespace

std::optional<Media> accepted_media(std::string_view accept) {
  if (trimmed(accept).empty()) return Media::usual;
  std::optional<Media> best;
  double best_weight = 0;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    const std::optional<Media> media = media_named(take(range, ';'));
    const double weight = media ? weight_of(range) : 0;
    // Of equal weights the first named wins, but a wildcard never wins over a name.
    const bool better = weight > best_weight || (weight == best_weight && best == Media::usual);
    if (weight > 0 && better) {
      best = media;
      best_weight = weight;
    }
  }
  return best;
}

bool prefers_html(std::string_view accept) {
  double html = 0;
  double others = 0;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    const std::string_view type = take(range, ';');
    const std::optional<Media> media = media_named(type);
    if (same_text(type, "text/html")) html = std::max(html, weight_of(range));
    if (media && media != Media::usual) others = std::max(others, weight_of(range));
  }
  return html > others;
}

Read read_question(const net::Request& request) {
  if (request.method == "GET") return read_query_string(request);
  std::string_view header = request.header("content-type");
  const std::string_view type = take(header, ';');
  // What curl sends for -d is taken too, as the job API does; a page in a browser could send text/plain to anybody.
  if (!type.empty() && !same_text(type, "application/json") && !same_text(type, "application/x-www-form-urlencoded")) {
    return tl::unexpected<net::Response>(
        refusal(415, "Content-Type must be application/json, not " + std::string(type.substr(0, 100)), kBadRequest));
  }
  return read_body(request.body);
}

net::Response refused_answer(Media media, std::string body) {
  if (media == Media::graphql_response) return answer(kGraphqlResponse, std::move(body), 400);
  return answer(kJson, std::move(body), media == Media::json ? 200 : 400);
}

net::Response executed_answer(Media media, std::string body) {
  return answer(media == Media::graphql_response ? kGraphqlResponse : kJson, std::move(body), 200);
}

net::Response refusal(int status, std::string message, std::string code) {
  return answer(kJson, graphql::errors_body({{std::move(message), {}, {}, std::move(code)}}), status);
}

}  // namespace penstock::api
