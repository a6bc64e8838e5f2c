#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace penstock::net {

/// Reads one request from bytes, wherever they come from (RFC 9112). Does no I/O. One request at a time.
///
/// Stricter than it must be where leniency helps those who smuggle requests past a proxy: lines end with CR LF, there
/// is one Content-Length at most and none beside Transfer-Encoding, and no header goes on in a second line.
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
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Takes what it can and says how many bytes that were; bytes not taken must come again, with more after them.
  /// Once complete or refused it takes nothing.
  std::size_t put(std::string_view bytes);

  State state() const { return now_.state; }
  const Refusal& refusal() const { return refusal_; }  // when refused
  Request& request();                                  // when complete; what is wanted of it may be taken out

  /// Forgets the request, to read another one. Memory that one had is kept, unless it was large.
  void reset();

  // From the end of the head on.
  bool keep_alive() const { return !now_.closes && (!now_.http_1_0 || now_.keeps); }
  bool http_1_0() const { return now_.http_1_0; }
  std::size_t spooled_bytes() const { return request_.spooled ? now_.body_bytes : 0; }
  bool expects_continue() const { return now_.expects_continue && !now_.body_begun; }  // and sent no body yet

 private:
  /// What comes next.
  enum class Part { request_line, headers, sized_body, chunk_size, chunk, chunk_end, trailers };

  std::size_t put_part(std::string_view bytes);
  std::size_t put_line(std::string_view bytes);
  std::size_t put_chunk_end(std::string_view bytes);
  std::size_t put_body(std::string_view bytes);

  void on_line(std::string_view line);
  void on_request_line(std::string_view line);
  void on_header(std::string_view line);
  void on_known_header(std::string_view name, std::string_view value);
  void on_content_length(std::string_view value);
  void on_transfer_encoding(std::string_view value);
  void on_head();
  void on_chunk_size(std::string_view line);
  void add(std::string_view body);
  void spool_from_now_on();

  void refuse(int status, std::string message);
  void refuse_malformed(std::string_view what);
  void refuse_long_lines();
  void refuse_many_headers();
  void refuse_body();
  void refuse_crowd();
  void refuse_disk(const Error& error);

  const HttpLimits& limits_;
  const HttpServer::BodyLimit& ask_limit_;
  std::size_t own_arriving_ = 0;
  std::size_t& arriving_;
  Request request_;
  Refusal refusal_;

  /// How far it has come.
  struct Progress {
    State state = State::head;
    Part part = Part::request_line;
    BodyRule rule{0};
    std::size_t searched = 0;    // bytes of an unfinished line, known to have no end
    std::size_t line_bytes = 0;  // of the head, of a chunk's header or of the trailers
    std::size_t body_bytes = 0;
    std::size_t counted = 0;  // of this body, in `arriving_`
    std::uint64_t left = 0;   // of the body, or of the present chunk
    std::optional<std::uint64_t> content_length;
    bool has_host = false;
    bool chunked = false;
    bool http_1_0 = false;
    bool closes = false;
    bool keeps = false;
    bool expects_continue = false;
    bool body_begun = false;
  };
  Progress now_;
};

}  // namespace penstock::net
