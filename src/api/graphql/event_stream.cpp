#include "api/graphql/event_stream.h"

#include "api/answers.h"

namespace penstock::api {

EventStream::EventStream(net::Responder responder) : responder_(std::move(responder)) {
  net::Response head;
  head.content_type = "text/event-stream; charset=utf-8";
  head.headers.emplace_back("Cache-Control", "no-cache");
  allow_browsers(head);
  responder_.begin(std::move(head));
}

bool EventStream::next(const std::string& response) {
  return responder_.write("event: next\ndata: " + response + "\n\n");
}

void EventStream::complete() {
  if (responder_.write("event: complete\ndata: \n\n")) responder_.end();
}

bool EventStream::keep_alive() {
  return responder_.write(":\n\n");
}

void EventStream::on_gone(std::function<void()> gone) {
  responder_.on_gone(std::move(gone));
}

}  // namespace penstock::api
