#include "base/error.h"
#include "net/responder_state.h"
#include "net/response_head.h"

namespace penstock::net {

Responder::State::~State() {
  if (answered || gone) return;
  const auto open = connection.lock();
  if (!open) return;
  open->answer(error_response(500, "internal error: the request was dropped without an answer"), {});
}

void Responder::State::send(Response response, std::function<void(bool)> written) {
  ENSURE(!answered);
  answered = true;
  on_gone = nullptr;
  const auto open = gone ? nullptr : connection.lock();
  if (open) {
    open->answer(std::move(response), std::move(written));
  } else if (written) {
    written(false);
  }
}

void Responder::State::client_gone() {
  gone = true;
  // The call may drop the last handle and with it this object.
  const std::function<void()> call = std::exchange(on_gone, nullptr);
  if (call) call();
}

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

void Responder::send(Response response, std::function<void(bool written)> written) {
  ENSURE(state_ != nullptr);
  // Kept: `written` or what on_gone held may own this handle.
  const std::shared_ptr<State> state = state_;
  state->send(std::move(response), std::move(written));
}

void Responder::on_gone(std::function<void()> gone) {
  ENSURE(state_ != nullptr);
  if (state_->answered) return;
  if (state_->gone) return gone();
  state_->on_gone = std::move(gone);
}

bool Responder::gone() const {
  return state_ != nullptr && state_->gone;
}

}  // namespace penstock::net
