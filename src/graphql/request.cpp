#include "graphql/request.h"

#include "graphql/introspection.h"
#include "graphql/request_state.h"

namespace penstock::graphql {

Request::Request(std::unique_ptr<State> state) : state_(std::move(state)) {}
Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
Request::~Request() = default;

OperationType Request::type() const {
  return state_->operation->type;
}

const RootField* Request::next_root() {
  State& me = *state_;
  ENSURE(!me.waiting);
  const Schema& schema = me.plan->schema();
  while (!me.execution->data_is_null() && me.next < me.execution->roots().size()) {
    const PlannedField& field = me.execution->roots()[me.next];
    const Args* args = me.execution->root_arguments(field);
    if (!args) {
      me.execution->refuse_root(field);
      ++me.next;
      continue;
    }
    me.waiting = true;
    const std::string& name = field.def->name;
    if (name == "__typename") {
      complete(Value(schema.root(me.operation->type)->name));
    } else if (name == "__schema") {
      complete(introspect_schema(schema));
    } else if (name == "__type") {
      complete(introspect_type(schema, args->text("name")));
    } else {
      me.current = {name, field.key, args};
      return &me.current;
    }
  }
  return nullptr;
}

void Request::complete(const Value& value) {
  complete([&](Sink& sink) { sink.put(value); });
}

void Request::complete(const std::function<void(Sink&)>& write) {
  State& me = *state_;
  ENSURE(me.waiting);
  me.waiting = false;
  me.execution->write_root(me.execution->roots()[me.next++], write);
}

std::string Request::finish() {
  ENSURE(!state_->waiting);
  return state_->execution->finish();
}

std::string Request::respond(const std::function<void(Sink&)>& write_event) {
  State& me = *state_;
  ENSURE(me.operation->type == OperationType::subscription);
  Execution event(*me.plan, *me.operation, me.variables, me.options.limits, me.places ? &*me.places : nullptr);
  for (const PlannedField& field : event.roots()) event.write_root(field, write_event);
  return event.finish();
}

std::variant<Request, std::vector<GraphqlError>> bind(std::unique_ptr<Request::State> state,
                                                      std::shared_ptr<const Plan> plan,
                                                      const std::string* operation_name, const json::Value* variables) {
  Request::State& me = *state;
  me.plan = std::move(plan);
  const auto operation = me.plan->operation(operation_name);
  if (!operation) return std::vector<GraphqlError>{operation.error()};
  me.operation = *operation;
  const Limits& limits = me.options.limits;
  const bool own_text = me.literals.empty() && me.plan->text() == me.text;
  if (!own_text) me.places.emplace(me.plan->text(), me.text, limits);
  if (!me.literals.empty()) me.variables = Variables(&me.literals);
  auto errors = read_variables(me.operation->variables, me.plan->variable_types(*me.operation), variables,
                               me.options.leniency, limits, me.variables);
  if (!errors.empty()) {
    for (GraphqlError& error : errors) {
      for (Location& at : error.locations) at = own_text ? at : me.places->moved(at);
    }
    return errors;
  }
  me.execution.emplace(*me.plan, *me.operation, me.variables, limits, me.places ? &*me.places : nullptr);
  return Request(std::move(state));
}

std::variant<Request, std::vector<GraphqlError>> prepare(const Schema& schema, const PrepareOptions& options,
                                                         std::string text, const std::string* operation_name,
                                                         const json::Value* variables) {
  auto made = Plan::make(schema, options.limits, options.leniency, text);
  if (auto* errors = std::get_if<std::vector<GraphqlError>>(&made)) return std::move(*errors);
  return bind(std::make_unique<Request::State>(options, std::move(text)),
              std::get<std::shared_ptr<const Plan>>(std::move(made)), operation_name, variables);
}

}  // namespace penstock::graphql
