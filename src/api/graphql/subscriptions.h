#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/core.h"
#include "api/graphql/event_stream.h"
#include "graphql/request.h"
#include "graphql/schema.h"
#include "net/loop.h"

namespace penstock::api {

/// Those who listen to endpoints and jobs. Events are made from the records of durable turns, so nobody hears of what a
/// crash could undo. A listener costs nothing while nothing happens on its endpoint. Loop thread only.
class Subscriptions {
 public:
  /// `most` listeners at a time. All must outlive this; `core` watches for as long as it lives.
  Subscriptions(Core& core, const graphql::Schema& schema, net::Loop& loop, std::size_t most);

  /// Takes over an operation of the type subscription. `account` is whose endpoints may be listened to; none: refused.
  void start(graphql::Request request, EventStream stream, const std::optional<AccountId>& account);

  std::size_t size() const { return listeners_.size(); }

 private:
  struct Listener {
    graphql::Request request;
    EventStream stream;
    EndpointId endpoint;
    bool jobs = false;  // otherwise: of the endpoint itself
    bool over = false;
  };
  using Write = std::function<void(graphql::Sink&)>;

  void refuse(graphql::Request& request, EventStream& stream, const graphql::RootField* field, std::string message,
              std::string code);
  void see(const std::vector<core::Record>& records);
  void see(const core::Record& record);
  void tell(const EndpointId& endpoint, bool jobs, const Write& event);
  void tell_endpoint(const EndpointId& endpoint, std::string_view kind, const WorkerId& worker);
  void tell_job(const EndpointId& endpoint, const JobId& job, const core::JobState& state);
  void end_all(const EndpointId& endpoint);
  void keep_alive();
  void sweep();

  Core& core_;
  const graphql::Schema& schema_;
  std::size_t most_;
  std::unordered_multimap<EndpointId, std::shared_ptr<Listener>> listeners_;
  net::Loop::Timer heartbeat_;
};

/// What the resolvers of the event types read.
void bind_events(graphql::Schema& schema);

}  // namespace penstock::api
