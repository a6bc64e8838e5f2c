#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graphql/request.h"

namespace penstock::graphql::test {

/// The schema of most tests: pets and people. Built once; no resolvers.
const Schema& pets();

std::unique_ptr<Schema> schema_from(std::string_view sdl);

/// `[1:9] message`, with every place of the error.
std::string shown(const GraphqlError& error);
std::vector<std::string> shown(const std::vector<GraphqlError>& errors);

struct Asked {
  std::string text;
  std::string variables = {};  // JSON, or empty for none
  std::string operation = {};
  PrepareOptions options = {};
};

/// The document with other numbers and strings, white space and comments; empty when the lexer refuses it.
std::string of_same_shape(std::string_view text, const Limits& limits = {});

std::variant<Request, std::vector<GraphqlError>> prepare(const Schema& schema, const Asked& asked);

/// Why the request was refused before execution; empty when it was not.
std::vector<GraphqlError> refusal(const Schema& schema, const Asked& asked);

/// The arguments as JSON, with `?` after every key that the request did not write itself.
std::string shown(const Args& args, const std::vector<InputValueDef>& defs);

/// Runs a request whose root fields are all answered by `answer`; the whole response, or the error body.
using Answer = std::function<Value(const RootField& field)>;
std::string run(const Schema& schema, const Asked& asked, const Answer& answer);

/// The arguments of the only root field, after preparation.
std::string arguments_of(const Schema& schema, const Asked& asked);

}  // namespace penstock::graphql::test
