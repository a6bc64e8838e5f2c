#include "api/graphql/graphql_api.h"

#include "api/auth/keys.h"
#include "api/graphql/absent.h"
#include "api/graphql/codes.h"
#include "api/graphql/graphiql.h"
#include "api/graphql/mutations.h"
#include "api/graphql/resolvers.h"
#include "api/graphql/root_queries.h"
#include "api/graphql/subscriptions.h"
#include "api/graphql/transport.h"
#include "graphql/plan_cache.h"

namespace penstock::api {
namespace {

using graphql::FieldError;
using graphql::GraphqlError;
using graphql::Value;

net::Response not_allowed(std::string message, std::string methods) {
  net::Response response = refusal(405, std::move(message), kBadRequest);
  response.headers.emplace_back("Allow", std::move(methods));
  return response;
}

/// A whole answer as a stream of one response.
void send_as_event(net::Responder responder, const std::string& response) {
  EventStream stream(std::move(responder));
  if (stream.next(response)) stream.complete();
}

}  // namespace

struct GraphqlApi::Impl {
  Core& core;
  const Vault& vault;
  GraphqlOptions options;
  std::unique_ptr<graphql::Schema> schema = make_schema();
  // contract/control-plane 2.9, L1 and L2
  graphql::PlanCache plans{*schema,
                           {options.limits, {.empty_enum_is_absent = true, .nullable_variable_anywhere = true}}};
  Subscriptions subscriptions;
  Graphiql graphiql;

  Impl(Core& c, const Vault& v, net::Loop& loop, GraphqlOptions with)
      : core(c), vault(v), options(std::move(with)), subscriptions(core, *schema, loop, options.subscriptions_max) {}

  /// One operation while it runs: mutations wait for the core between fields.
  struct Run {
    graphql::Request request;
    net::Responder responder;
    Media media;
    std::optional<AccountId> account;  // none: no key was presented
  };

  void run(graphql::Request request, const Caller& caller, Media media, bool get, net::Responder responder);
  void go_on(const std::shared_ptr<Run>& run);
  void mutate(const std::shared_ptr<Run>& run, const graphql::RootField& field);
};

GraphqlApi::GraphqlApi(Core& core, const Vault& vault, net::Loop& loop, GraphqlOptions options)
    : impl_(new Impl(core, vault, loop, std::move(options))) {}
GraphqlApi::~GraphqlApi() = default;

void GraphqlApi::handle(const net::Request& request, net::Responder responder) {
  if (Graphiql::wanted_by(request)) return responder.send(impl_->graphiql.page(request));
  const bool get = request.method == "GET";
  if (!get && request.method != "POST")
    return responder.send(not_allowed(request.method + " is not accepted here; use POST", "GET, POST"));
  const std::optional<Media> media = accepted_media(request.header("accept"));
  if (!media) {
    return responder.send(refusal(406,
                                  "Accept must allow application/json, application/graphql-response+json or "
                                  "text/event-stream",
                                  kBadRequest));
  }
  const Caller caller = caller_of(request, impl_->core.engine(), true);
  if (caller.kind == Caller::Kind::unknown) return responder.send(refusal(401, "Unauthorized", kUnauthenticated));
  auto question = read_question(request);
  if (!question) return responder.send(std::move(question.error()));
  auto prepared = impl_->plans.prepare(std::move(question->text), question->operation ? &*question->operation : nullptr,
                                       question->variables ? &*question->variables : nullptr);
  if (const auto* errors = std::get_if<std::vector<GraphqlError>>(&prepared)) {
    std::string body = graphql::errors_body(*errors);
    if (*media == Media::event_stream) return send_as_event(std::move(responder), body);
    return responder.send(refused_answer(*media, std::move(body)));
  }
  impl_->run(std::get<graphql::Request>(std::move(prepared)), caller, *media, get, std::move(responder));
}

void GraphqlApi::handle_file(const net::Request& request, std::string_view name, net::Responder responder) {
  responder.send(impl_->graphiql.file(request, name));
}

void GraphqlApi::Impl::run(graphql::Request request, const Caller& caller, Media media, bool get,
                           net::Responder responder) {
  const graphql::OperationType type = request.type();
  const bool mutates = type == graphql::OperationType::mutation;
  if (mutates && get) return responder.send(not_allowed("Mutations are accepted by POST only", "POST"));
  if (mutates && caller.key && caller.key->scope == core::KeyScope::read_only) {
    return responder.send(refusal(403, "Forbidden", kForbidden));
  }
  std::optional<AccountId> account;
  if (caller.key) account = caller.key->account;
  if (type == graphql::OperationType::subscription) {
    if (media == Media::event_stream) {
      return subscriptions.start(std::move(request), EventStream(std::move(responder)), account);
    }
    return responder.send(
        refusal(406, "Subscriptions are answered as events: send Accept: text/event-stream", kBadRequest));
  }
  go_on(std::make_shared<Run>(Run{std::move(request), std::move(responder), media, std::move(account)}));
}

/// Answers root fields until one has to wait for the core, or none is left.
void GraphqlApi::Impl::go_on(const std::shared_ptr<Run>& run) {
  while (const graphql::RootField* field = run->request.next_root()) {
    if (run->request.type() == graphql::OperationType::mutation) return mutate(run, *field);
    run->request.complete(answer_query({schema.get(), &core, &options, run->account}, *field));
  }
  std::string body = run->request.finish();
  if (run->media == Media::event_stream) return send_as_event(std::move(run->responder), body);
  run->responder.send(executed_answer(run->media, std::move(body)));
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
  auto mutation = read_mutation({schema.get(), &core, &options, run->account}, vault, field);
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
