#include "api/graphql/event_stream.h"

#include "api/server_events.h"

namespace penstock::api {

EventStream::EventStream(net::Responder responder) : responder_(std::move(responder)) {
  responder_.begin(events_head());
}

bool EventStream::next(const std::string& response) {
  return responder_.write(event_text("next", {}, response));
}

void EventStream::complete() {
  if (responder_.write(event_text("complete", {}, {}))) responder_.end();
}

bool EventStream::keep_alive() {
  return responder_.write(kEventHeartbeat);
}

void EventStream::on_gone(std::function<void()> gone) {
  responder_.on_gone(std::move(gone));
}

}  // namespace penstock::api
