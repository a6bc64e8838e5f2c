#pragma once

#include <utility>

#include "api/core.h"
#include "net/http.h"

namespace penstock::api {

/// Gives a command to the core for the client behind `responder`. `answer(net::Responder&, core::Reply)` turns the
/// reply into the HTTP answer. A client that goes away before is forgotten.
template <class Command, class Answer>
void call(Core& core, Command command, net::Responder responder, Answer answer) {
  command.to = core.expect(
      [responder, answer = std::move(answer)](core::Reply reply) mutable { answer(responder, std::move(reply)); });
  responder.on_gone([&core, token = command.to] { core.forget(token); });
  core.give(std::move(command));
}

}  // namespace penstock::api
