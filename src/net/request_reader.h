#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace penstock::net {

/// Reads one request from bytes, wherever they come from (RFC 9112). Does no I/O. One object per request.
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

  State state() const { return state_; }
  const Refusal& refusal() const { return refusal_; }  // when refused
  Request take();                                      // when complete, once

  // From the end of the head on.
  bool keep_alive() const { return !closes_ && (!http_1_0_ || keeps_); }
  bool http_1_0() const { return http_1_0_; }
  std::size_t spooled_bytes() const { return request_.spooled ? body_bytes_ : 0; }
  bool expects_continue() const { return expects_continue_ && !body_begun_; }  // and has sent nothing of the body yet

 private:
  /// What comes next.
  enum class Part { request_line, headers, sized_body, chunk_size, chunk, chunk_end, trailers };

  std::size_t put_part(std::string_view bytes);
  std::size_t put_line(std::string_view bytes);
  std::size_t put_chunk_end(std::string_view bytes);
  std::size_t put_body(std::string_view bytes);
  std::optional<std::string_view> line_of(std::string_view bytes);

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
  void refuse_body();
  void refuse_crowd();
  void refuse_disk(const Error& error);

  const HttpLimits& limits_;
  const HttpServer::BodyLimit& ask_limit_;
  std::size_t own_arriving_ = 0;
  std::size_t& arriving_;
  std::size_t counted_ = 0;  // of this body, in `arriving_`

  State state_ = State::head;
  Part part_ = Part::request_line;
  Request request_;
  Refusal refusal_;
  BodyRule rule_{0};
  std::size_t searched_ = 0;    // bytes of an unfinished line, known to have no end
  std::size_t line_bytes_ = 0;  // of the head, of a chunk's header or of the trailers
  std::size_t body_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the present chunk
  std::optional<std::uint64_t> content_length_;
  bool has_host_ = false;
  bool chunked_ = false;
  bool http_1_0_ = false;
  bool closes_ = false;
  bool keeps_ = false;
  bool expects_continue_ = false;
  bool body_begun_ = false;
};

}  // namespace penstock::net
