#include "api/graphql/schema.h"

namespace penstock::api {

const std::string_view kEventsSdl = R"graphql(
"What happens, as it happens: ask with Accept: text/event-stream"
type Subscription {
  "First the endpoint as it is, then every change of its settings and workers, until it is deleted"
  endpointEvents(id: String!): EndpointEvent!
  "Every change of the endpoint's jobs from now on, until it is deleted"
  jobEvents(endpointId: String!): JobEvent!
}

enum EndpointEventKind {
  "The first event: nothing happened yet"
  CURRENT
  "Settings were saved"
  SAVED
  "The last event"
  DELETED
  "A worker was started, became ready, or was told to stop"
  WORKER_CHANGED
  WORKER_GONE
}

type EndpointEvent {
  kind: EndpointEventKind!
  at: DateTime!
  endpointId: String!
  "As it is when the event is sent; null once it is deleted"
  endpoint: Endpoint
  "Of the worker that the event is about"
  workerId: String
}

enum JobStatus {
  IN_QUEUE
  IN_PROGRESS
  COMPLETED
  FAILED
  CANCELLED
  TIMED_OUT
}

type JobEvent {
  id: String!
  endpointId: String!
  status: JobStatus!
  at: DateTime!
  "Milliseconds from the submission to the last hand-out to a worker"
  delayTime: Int
  "Milliseconds that it ran; null until it is over"
  executionTime: Int
  "How often it ran again because its worker was lost"
  retries: Int!
  "The worker of the last hand-out"
  workerId: String
  error: String
}
)graphql";

}  // namespace penstock::api
