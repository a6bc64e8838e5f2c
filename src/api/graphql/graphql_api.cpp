#include "api/graphql/graphql_api.h"

#include "api/answers.h"
#include "api/auth/keys.h"
#include "api/graphql/absent.h"
#include "api/graphql/codes.h"
#include "api/graphql/mutations.h"
#include "api/graphql/resolvers.h"
#include "api/graphql/root_queries.h"
#include "graphql/plan_cache.h"

namespace penstock::api {
namespace {

using graphql::FieldError;
using graphql::GraphqlError;
using graphql::Value;

net::Response answer(std::string body, int status) {
  net::Response response = json_answer(std::move(body), status);
  response.content_type = "application/json; charset=utf-8";
  return response;
}

net::Response refusal(int status, std::string message, std::string code) {
  return answer(graphql::errors_body({GraphqlError{std::move(message), {}, {}, std::move(code)}}), status);
}

/// What a request says: the three keys of a body, or of a query string.
struct Question {
  std::string text;
  std::optional<std::string> operation;
  std::optional<json::Value> variables;
};

using Read = tl::expected<Question, net::Response>;

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
  const json::Value* variables = parsed->find("variables");
  return read_variables(std::move(question), variables ? *variables : json::Value());
}

Read read_query_string(const net::Request& request) {
  Question question;
  const std::string* text = request.query_value("query");
  if (!text || text->empty()) return no_query();
  question.text = *text;
  if (const std::string* operation = request.query_value("operationName"); operation && !operation->empty()) {
    question.operation = *operation;
  }
  const std::string* variables = request.query_value("variables");
  if (!variables || variables->empty()) return question;
  const auto parsed = json::parse(*variables);
  if (!parsed) return bad("`variables` is not accepted: " + parsed.error().message);
  return read_variables(std::move(question), *parsed);
}

}  // namespace

struct GraphqlApi::Impl {
  Core& core;
  const Vault& vault;
  GraphqlOptions options;
  std::unique_ptr<graphql::Schema> schema = make_schema();
  // contract/control-plane 2.9, L1 and L2
  graphql::PlanCache plans{*schema, {{}, {.empty_enum_is_absent = true, .nullable_variable_anywhere = true}}};

  /// One operation while it runs: mutations wait for the core between fields.
  struct Run {
    graphql::Request request;
    net::Responder responder;
    std::optional<AccountId> account;  // none: no key was presented
  };

  void go_on(const std::shared_ptr<Run>& run);
  void mutate(const std::shared_ptr<Run>& run, const graphql::RootField& field);
};

GraphqlApi::GraphqlApi(Core& core, const Vault& vault, GraphqlOptions options)
    : impl_(new Impl{core, vault, std::move(options)}) {}
GraphqlApi::~GraphqlApi() = default;

void GraphqlApi::handle(net::Request request, net::Responder responder) {
  const bool get = request.method == "GET";
  if (!get && request.method != "POST") {
    net::Response response = refusal(405, request.method + " is not accepted here; use POST", kBadRequest);
    response.headers.emplace_back("Allow", "GET, POST");
    return responder.send(std::move(response));
  }
  const Caller caller = caller_of(request, impl_->core.engine(), true);
  if (caller.kind == Caller::Kind::unknown) return responder.send(refusal(401, "Unauthorized", kUnauthenticated));
  auto question = get ? read_query_string(request) : read_body(request.body);
  if (!question) return responder.send(std::move(question.error()));
  auto prepared = impl_->plans.prepare(std::move(question->text), question->operation ? &*question->operation : nullptr,
                                       question->variables ? &*question->variables : nullptr);
  if (const auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared)) {
    return responder.send(answer(graphql::errors_body(*errors), 400));
  }
  auto& operation = std::get<graphql::Request>(prepared);
  const bool mutates = operation.type() == graphql::OperationType::mutation;
  if (mutates && get) {
    net::Response response = refusal(405, "Mutations are accepted by POST only", kBadRequest);
    response.headers.emplace_back("Allow", "POST");
    return responder.send(std::move(response));
  }
  if (mutates && caller.key && caller.key->scope == core::KeyScope::read_only) {
    return responder.send(refusal(403, "Forbidden", kForbidden));
  }
  auto run = std::make_shared<Impl::Run>(Impl::Run{std::move(operation), std::move(responder), std::nullopt});
  if (caller.key) run->account = caller.key->account;
  impl_->go_on(run);
}

/// Answers root fields until one has to wait for the core, or none is left.
void GraphqlApi::Impl::go_on(const std::shared_ptr<Run>& run) {
  while (const graphql::RootField* field = run->request.next_root()) {
    if (run->request.type() == graphql::OperationType::mutation) return mutate(run, *field);
    run->request.complete(answer_query({schema.get(), &core, &options, run->account}, *field));
  }
  run->responder.send(answer(run->request.finish(), 200));
}

namespace {

/// The command as one of this caller's.
void address(core::Command& command, core::Token to, const AccountId& owner) {
  std::visit(
      [&](auto& c) {
        if constexpr (requires { c.to, c.owner; }) {
          c.to = to;
          c.owner = owner;
        }
      },
      command);
}

}  // namespace

void GraphqlApi::Impl::mutate(const std::shared_ptr<Run>& run, const graphql::RootField& field) {
  const auto refuse = [&](FieldError error) {
    run->request.complete(Value(std::move(error)));
    go_on(run);
  };
  const bool for_anybody = field.name == "createFlashAuthRequest";
  if (!run->account && !for_anybody) return refuse({"Unauthorized", kUnauthenticated});
  if (auto message = absent_message(field.name)) return refuse({std::move(*message), kRefused});
  auto mutation = read_mutation(*schema, core, vault, field);
  if (!mutation) return refuse(std::move(mutation.error()));
  const core::Token token = core.expect([this, run, show = std::move(mutation->show)](core::Reply reply) {
    const Error* error = std::get_if<Error>(&reply.what);
    run->request.complete(error ? Value(field_error(*error)) : show(reply));
    go_on(run);
  });
  address(mutation->command, token, *run->account);
  core.give(std::move(mutation->command));
}

}  // namespace penstock::api
