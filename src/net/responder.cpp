#include "base/error.h"
#include "net/responder_state.h"
#include "net/response_head.h"

namespace penstock::net {

Responder::State::~State() {
  if (answered || gone) return;
  const ConnectionPtr open(connection);
  if (!open) return;
  if (streaming) {
    open->close();
  } else {
    open->answer(error_response(500, "internal error: the request was dropped without an answer"), {});
  }
}

void Responder::State::begin(Response response) {
  ENSURE(!answered && !streaming);
  streaming = true;
  const ConnectionPtr open(connection);
  if (open) open->begin_stream(std::move(response));
}

bool Responder::State::write(std::string_view bytes) {
  ENSURE(!answered && streaming);
  const ConnectionPtr open(connection);
  if (open && open->write_stream(bytes)) return true;
  gone = true;
  on_gone = nullptr;
  if (open) open->close();
  return false;
}

void Responder::State::on_drained(std::function<void()> drained) {
  ENSURE(!answered && streaming);
  const ConnectionPtr open(connection);
  if (open) open->when_drained(std::move(drained));
}

void Responder::State::end() {
  ENSURE(!answered && streaming);
  answered = true;
  on_gone = nullptr;
  companion = nullptr;
  const ConnectionPtr open(std::exchange(connection, nullptr));
  if (open) open->end_stream();
}

void Responder::State::send(Response&& response, std::function<void(bool)>&& written) {
  ENSURE(!answered && !streaming);
  answered = true;
  // These, or `written`, may own the last handle: this object goes with them.
  const std::function<void()> unused = std::exchange(on_gone, nullptr);
  const std::shared_ptr<void> kept = std::move(companion);
  const ConnectionPtr open(std::exchange(connection, nullptr));
  if (open) {
    open->answer(std::move(response), std::move(written));
  } else if (written) {
    written(false);
  }
}

void Responder::State::client_gone() {
  gone = true;
  connection = nullptr;
  companion = nullptr;
  // The call may drop the last handle and with it this object.
  const std::function<void()> call = std::exchange(on_gone, nullptr);
  if (call) call();
}

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

void Responder::send(Response response, std::function<void(bool written)> written) {
  ENSURE(state_ != nullptr);
  state_->send(std::move(response), std::move(written));
}

void Responder::begin(Response response) {
  ENSURE(state_ != nullptr);
  state_->begin(std::move(response));
}

bool Responder::write(std::string_view bytes) {
  ENSURE(state_ != nullptr);
  return state_->write(bytes);
}

void Responder::on_drained(std::function<void()> drained) {
  ENSURE(state_ != nullptr);
  state_->on_drained(std::move(drained));
}

void Responder::end() {
  ENSURE(state_ != nullptr);
  const std::shared_ptr<State> state = state_;
  state->end();
}

void Responder::keep(std::shared_ptr<void> companion) {
  ENSURE(state_ != nullptr);
  state_->companion = std::move(companion);
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
