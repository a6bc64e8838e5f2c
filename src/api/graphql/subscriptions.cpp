#include "api/graphql/subscriptions.h"

#include "api/graphql/codes.h"
#include "api/graphql/resolvers.h"

namespace penstock::api {
namespace {

using graphql::Binder;
using graphql::Sink;

constexpr std::chrono::seconds kHeartbeat{15};

struct EndpointEvent {
  const Core* core;
  std::string_view kind;
  const EndpointId* endpoint;
  const WorkerId* worker;
};

struct JobEvent {
  Time at;
  const EndpointId* endpoint;
  const JobId* job;
  const core::JobState* state;
};

}  // namespace

void bind_events(graphql::Schema& schema) {
  Binder<EndpointEvent>(schema, "EndpointEvent")
      .field("kind", [](const EndpointEvent& e) { return e.kind; })
      .field("at", [](const EndpointEvent& e) { return iso8601(e.core->now()); })
      .field("endpointId", [](const EndpointEvent& e) -> const auto& { return e.endpoint->str(); })
      .field("endpoint",
             [type = schema.type("Endpoint")](const EndpointEvent& e, Sink& sink) {
               const core::Endpoint* found = e.core->engine().find_endpoint(*e.endpoint);
               if (!found) return;
               const EndpointView view{e.core, found};
               sink.object(*type, &view, found->revision.number);
             })
      .field("workerId", [](const EndpointEvent& e, Sink& sink) {
        if (!e.worker->empty()) sink.text(e.worker->str());
      });
  Binder<JobEvent>(schema, "JobEvent")
      .field("id", [](const JobEvent& e) { return e.job->str(); })
      .field("endpointId", [](const JobEvent& e) -> const auto& { return e.endpoint->str(); })
      .field("status", [](const JobEvent& e) { return to_text(e.state->status); })
      .field("at", [](const JobEvent& e) { return iso8601(e.at); })
      .field("delayTime", [](const JobEvent& e) { return core::delay_ms(*e.state); })
      .field("executionTime", [](const JobEvent& e) { return core::execution_ms(*e.state); })
      .field("retries", [](const JobEvent& e) { return e.state->retries; })
      .field("workerId",
             [](const JobEvent& e, Sink& sink) {
               if (!e.state->worker.empty()) sink.text(e.state->worker.str());
             })
      .field("error", [](const JobEvent& e) -> const auto& { return e.state->error; });
}

Subscriptions::Subscriptions(Core& core, const graphql::Schema& schema, net::Loop& loop, std::size_t most)
    : core_(core), schema_(schema), most_(most), heartbeat_(loop) {
  core_.watch([this](const std::vector<core::Record>& records) { see(records); });
}

// ---------------------------------------------------------------- coming and going

void Subscriptions::start(graphql::Request request, EventStream stream, const std::optional<AccountId>& account) {
  const graphql::RootField* field = request.next_root();
  if (!field) return refuse(request, stream, field, {}, {});
  if (!account) return refuse(request, stream, field, "Unauthorized", kUnauthenticated);
  if (listeners_.size() >= most_) {
    return refuse(request, stream, field,
                  "This server has " + std::to_string(most_) + " subscriptions, which is the most it accepts",
                  kRefused);
  }
  const bool jobs = field->name == "jobEvents";
  const auto id = EndpointId::parse(field->args->text(jobs ? "endpointId" : "id"));
  const core::Endpoint* found = id ? core_.engine().find_endpoint(*id) : nullptr;
  if (!found || found->owner != *account) return refuse(request, stream, field, "Endpoint not found", kRefused);

  auto listener = std::make_shared<Listener>(Listener{std::move(request), std::move(stream), *id, jobs});
  listener->stream.on_gone([this, gone = std::weak_ptr(listener)] {
    if (const auto known = gone.lock()) known->over = true;
    sweep();
  });
  if (listeners_.empty()) heartbeat_.set(kHeartbeat, [this] { keep_alive(); });
  listeners_.emplace(*id, listener);
  if (jobs) {
    listener->over = !listener->stream.keep_alive();  // the first byte says that it listens
  } else {
    const WorkerId none;
    const EndpointEvent now{&core_, "CURRENT", &listener->endpoint, &none};
    const auto write = [&](Sink& sink) { sink.object(*schema_.type("EndpointEvent"), &now); };
    listener->over = !listener->stream.next(listener->request.respond(write));
  }
  if (listener->over) sweep();
}

/// Ends an operation that has no events. Without a field, what is wrong is in the request already.
void Subscriptions::refuse(graphql::Request& request, EventStream& stream, const graphql::RootField* field,
                           std::string message, std::string code) {
  if (field) {
    request.complete(graphql::Value(graphql::FieldError{std::move(message), std::move(code)}));
    static_cast<void>(request.next_root());
  }
  if (stream.next(request.finish())) stream.complete();
}

void Subscriptions::sweep() {
  std::erase_if(listeners_, [](const auto& entry) { return entry.second->over; });
}

void Subscriptions::keep_alive() {
  for (auto& [endpoint, listener] : listeners_) listener->over = !listener->stream.keep_alive();
  sweep();
  if (!listeners_.empty()) heartbeat_.set(kHeartbeat, [this] { keep_alive(); });
}

// ---------------------------------------------------------------- events

void Subscriptions::see(const std::vector<core::Record>& records) {
  if (listeners_.empty()) return;
  for (const core::Record& record : records) see(record);
  sweep();
}

void Subscriptions::see(const core::Record& record) {
  if (const auto* saved = std::get_if<core::EndpointSaved>(&record)) {
    tell_endpoint(saved->endpoint.id, "SAVED", {});
  } else if (const auto* worker = std::get_if<core::WorkerSaved>(&record)) {
    tell_endpoint(worker->worker.endpoint, "WORKER_CHANGED", worker->worker.id);
  } else if (const auto* gone = std::get_if<core::WorkerRemoved>(&record)) {
    tell_endpoint(gone->endpoint, "WORKER_GONE", gone->id);
  } else if (const auto* added = std::get_if<core::JobAdded>(&record)) {
    tell_job(added->request.endpoint, added->request.id, added->state);
  } else if (const auto* changed = std::get_if<core::JobChanged>(&record)) {
    if (!changed->cursor_only) tell_job(changed->endpoint, changed->id, changed->state);
  } else if (const auto* removed = std::get_if<core::EndpointRemoved>(&record)) {
    tell_endpoint(removed->id, "DELETED", {});
    end_all(removed->id);
  }
}

void Subscriptions::tell(const EndpointId& endpoint, bool jobs, const Write& event) {
  const auto [first, last] = listeners_.equal_range(endpoint);
  for (auto it = first; it != last; ++it) {
    Listener& listener = *it->second;
    if (listener.jobs != jobs || listener.over) continue;
    listener.over = !listener.stream.next(listener.request.respond(event));
  }
}

void Subscriptions::tell_endpoint(const EndpointId& endpoint, std::string_view kind, const WorkerId& worker) {
  const EndpointEvent event{&core_, kind, &endpoint, &worker};
  tell(endpoint, false, [&](Sink& sink) { sink.object(*schema_.type("EndpointEvent"), &event); });
}

void Subscriptions::tell_job(const EndpointId& endpoint, const JobId& job, const core::JobState& state) {
  const JobEvent event{core_.now(), &endpoint, &job, &state};
  tell(endpoint, true, [&](Sink& sink) { sink.object(*schema_.type("JobEvent"), &event); });
}

void Subscriptions::end_all(const EndpointId& endpoint) {
  const auto [first, last] = listeners_.equal_range(endpoint);
  for (auto it = first; it != last; ++it) {
    if (std::exchange(it->second->over, true)) continue;
    it->second->stream.complete();
  }
}

}  // namespace penstock::api
