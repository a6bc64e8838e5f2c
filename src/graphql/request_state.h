#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graphql/execution.h"
#include "graphql/request.h"

namespace penstock::graphql {

/// What a request holds while it runs.
struct Request::State {
  State(const PrepareOptions& with, std::string asked) : options(with), text(std::move(asked)) {}

  PrepareOptions options;
  std::string text;
  std::vector<Literal> literals;  // of `text`, which they point into; empty when the plan was made from this text
  std::shared_ptr<const Plan> plan;
  const OperationNode* operation = nullptr;
  Variables variables;
  std::optional<Places> places;
  std::optional<Execution> execution;
  std::size_t next = 0;
  RootField current;
  bool waiting = false;
};

/// Puts a request's values into a plan: picks the operation and reads the variables.
std::variant<Request, std::vector<GraphqlError>> bind(std::unique_ptr<Request::State> state,
                                                      std::shared_ptr<const Plan> plan,
                                                      const std::string* operation_name, const json::Value* variables);

}  // namespace penstock::graphql
