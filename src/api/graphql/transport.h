#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "json/json.h"
#include "net/http.h"

namespace penstock::api {

// GraphQL over HTTP: what a request says and how its answer travels (contract/control-plane 1.1 and 1.2, the
// GraphQL-over-HTTP specification, and the `graphql-sse` protocol).

/// How the client wants its answer. `usual`: it did not say, and gets JSON with the statuses of the hosted service.
enum class Media { usual, json, graphql_response, event_stream };

/// The best of what `Accept` names; nothing when none of it can be given.
std::optional<Media> accepted_media(std::string_view accept);
/// Whether `Accept` names HTML and likes it better than every kind of answer that an operation can have. Wildcards say
/// nothing.
bool prefers_html(std::string_view accept);

/// What a request asks: the three keys of a body, or of a query string.
struct Question {
  std::string text;
  std::optional<std::string> operation;
  std::optional<json::Value> variables;
};

/// Errors: the whole answer.
tl::expected<Question, net::Response> read_question(const net::Request& request);

/// The answer to an operation that was refused before it ran; `body` holds its errors.
net::Response refused_answer(Media media, std::string body);
/// The answer to an operation that ran, with errors or without.
net::Response executed_answer(Media media, std::string body);
/// A refusal of the request itself.
net::Response refusal(int status, std::string message, std::string code);

}  // namespace penstock::api
