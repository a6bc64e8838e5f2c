#pragma once

#include <functional>
#include <memory>

#include "net/connection.h"
#include "net/http.h"

namespace penstock::net {

/// One request between the handler and its connection. Owned by the Responder handles; the connection knows it as long
/// as both live. Neither keeps the other alive. Handles may be copied and dropped on any thread, but for the last one
/// of a request that was not answered.
struct Responder::State {
  explicit State(Connection& from) : connection(&from) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void send(Response&& response, std::function<void(bool)>&& written);
  void begin(Response response);
  bool write(std::string_view bytes);
  void on_drained(std::function<void()> drained);
  void end();
  void client_gone();

  Connection* connection;  // null: gone, or answered
  std::function<void()> on_gone;
  std::shared_ptr<void> companion;
  bool streaming = false;  // begin() was called
  bool answered = false;   // wholly: send() or end() was called
  bool gone = false;
};

}  // namespace penstock::net
