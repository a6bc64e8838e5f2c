#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graphql/coerce.h"
#include "graphql/limits.h"
#include "graphql/schema.h"
#include "json/json.h"

namespace penstock::graphql {

class Plan;

struct PrepareOptions {
  Limits limits;
  Leniency leniency;
};

/// A root field that waits for its value. The pointers hold until complete() is called.
struct RootField {
  std::string_view name;
  std::string_view response_key;
  const Args* args = nullptr;
};

/// One request on its way: parsed, validated, variables read. The embedder gives values to the root fields one after
/// the other, each whenever it has it; everything below a root field is resolved by the schema's resolvers at once.
///
///   auto request = prepare(...);
///   while (const RootField* field = request.next_root()) request.complete(value_of(*field));
///   send(request.finish());
///
/// The schema must outlive the request.
class Request {
 public:
  Request(Request&&) noexcept;
  Request& operator=(Request&&) noexcept;
  ~Request();

  OperationType type() const;

  /// The next root field that needs a value; null when there is none left, also after an error that makes all of `data`
  /// null. __typename, __schema and __type are answered inside.
  const RootField* next_root();

  /// The value (or FieldError) of the field that next_root() named.
  void complete(const Value& value);
  /// The same, written by `write` straight into the answer.
  void complete(const std::function<void(Sink&)>& write);

  /// `{"data":...}`, with `errors` in front when there are any. Once, after next_root() gave null.
  std::string finish();

  /// For subscriptions, instead of complete() and finish(): next_root() names the one field and its arguments, which
  /// say what to listen to; then each event that comes is answered with a response of its own, as often as there are
  /// any.
  std::string respond(const std::function<void(Sink&)>& write_event);

 private:
  friend class PlanCache;
  struct State;
  explicit Request(std::unique_ptr<State> state);
  friend std::variant<Request, std::vector<GraphqlError>> bind(std::unique_ptr<State>, std::shared_ptr<const Plan>,
                                                               const std::string*, const json::Value*);
  friend std::variant<Request, std::vector<GraphqlError>> prepare(const Schema&, const PrepareOptions&, std::string,
                                                                  const std::string*, const json::Value*);
  std::unique_ptr<State> state_;
};

/// Parses and validates the text, picks the operation and reads the variables (an object, or null for none). Errors
/// carry their code: kParseFailed, kValidationFailed, kOperationResolution or kBadUserInput. A PlanCache does the same
/// and remembers how.
std::variant<Request, std::vector<GraphqlError>> prepare(const Schema& schema, const PrepareOptions& options,
                                                         std::string text, const std::string* operation_name,
                                                         const json::Value* variables);

}  // namespace penstock::graphql
