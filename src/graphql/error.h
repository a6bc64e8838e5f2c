#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::graphql {

/// A place in a document, both counted from 1; columns count UTF-16 units, as the clients' own tools do.
struct Location {
  int line = 1;
  int column = 1;

  friend bool operator==(const Location&, const Location&) = default;
};

using PathStep = std::variant<std::string, int>;

/// One entry of `errors` in a response. `code` becomes `extensions.code`.
struct GraphqlError {
  std::string message;
  std::vector<Location> locations;
  std::vector<PathStep> path;
  std::string code;
};

inline constexpr std::string_view kParseFailed = "GRAPHQL_PARSE_FAILED";
inline constexpr std::string_view kValidationFailed = "GRAPHQL_VALIDATION_FAILED";
inline constexpr std::string_view kBadUserInput = "BAD_USER_INPUT";
inline constexpr std::string_view kOperationResolution = "OPERATION_RESOLUTION_FAILURE";
inline constexpr std::string_view kInternal = "INTERNAL_SERVER_ERROR";

/// `{"errors":[...]}`, for a request that was refused before execution.
std::string errors_body(const std::vector<GraphqlError>& errors);

/// `[...]`: the value of `errors`.
void write_errors(std::string& out, const std::vector<GraphqlError>& errors);

}  // namespace penstock::graphql
