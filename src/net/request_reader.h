#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace penstock::net {

/// Reads one request from bytes, wherever they come from. Does no I/O. One object per request.
class RequestReader {
 public:
  enum class State { head, body, complete, refused };

  /// Why a request is refused. `message` never holds the sender's text.
  struct Refusal {
    int status = 400;
    std::string message;
  };

  /// The limits, the function and `arriving`, which counts the bytes of all bodies that are arriving, must outlive the
  /// reader.
  RequestReader(const HttpLimits& limits, const HttpServer::BodyLimit& body_limit, std::size_t* arriving = nullptr);
  ~RequestReader();

  /// Takes what it can and says how many bytes that were; bytes not taken must come again, with more after them.
  /// Once complete or refused it takes nothing.
  std::size_t put(std::string_view bytes);

  State state() const { return state_; }
  const Refusal& refusal() const;  // when refused
  Request take();                  // when complete, once

  // From the end of the head on.
  bool keep_alive() const;
  bool http_1_0() const;
  std::size_t spooled_bytes() const;
  bool expects_continue() const;  // and has sent nothing of the body yet

 private:
  class Parser;

  void refuse(int status, std::string message);

  const HttpLimits& limits_;
  State state_ = State::head;
  std::size_t head_bytes_ = 0;
  std::unique_ptr<Parser> parser_;
};

}  // namespace penstock::net
