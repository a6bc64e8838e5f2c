#pragma once

#include <memory>
#include <utility>

#include "api/core.h"
#include "net/http.h"

namespace penstock::api {

/// Gives a command to the core for the client behind `responder`. `answer(net::Responder&, core::Reply)` turns the
/// reply into the HTTP answer. A client that goes away before is forgotten.
template <class Command, class Answer>
void call(Core& core, Command command, net::Responder responder, Answer answer) {
  const auto to = std::make_shared<net::Responder>(std::move(responder));
  command.to = core.expect([to, answer = std::move(answer)](core::Reply reply) { answer(*to, std::move(reply)); });
  to->on_gone([&core, token = command.to] { core.forget(token); });
  core.give(std::move(command));
}

}  // namespace penstock::api
