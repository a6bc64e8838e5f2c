#include "net/connection.h"

#include <boost/asio/post.hpp>
#include <charconv>

#include "base/log.h"
#include "base/spare_texts.h"
#include "base/text.h"
#include "net/responder_state.h"
#include "net/response_head.h"
#include "net/server.h"

namespace penstock::net {
namespace {

namespace asio = boost::asio;

// What a client may still send after an answer that ended the conversation early.
constexpr std::size_t kLingerBytesMax = 32 * 1024 * 1024;

// What one connection may read, or write, before the others have their turn.
constexpr std::size_t kTurnBytes = 512 * 1024;

// A body that goes to a file may be so large that it takes longer than any usual time: each such part has that time.
constexpr std::size_t kBodyStepBytes = 16 * 1024 * 1024;

// Up to here, to copy an answer's body behind its head costs less than to send the two of them.
constexpr std::size_t kJoinedBytes = 4 * 1024;

constexpr std::size_t kHeadBytesUsual = 1024;  // room for more costs nothing

// A buffer larger than this is given back when a request is over.
constexpr std::size_t kKeptBufferBytes = 4 * 1024;

}  // namespace

Connection::Connection(std::shared_ptr<Server> server, Socket socket, std::string peer)
    : server_(std::move(server)), socket_(std::move(socket)), peer_(std::move(peer)) {}

Connection::~Connection() {
  if (current_ != nullptr) current_->connection = nullptr;
}

boost::system::error_code Connection::start() {
  return server_->poller.watch(socket_.descriptor(), *this);
}

void Connection::turn_away() {
  refuse(503, "the server has too many connections: at most " + std::to_string(server_->limits.connections_max) +
                  " are accepted");
}

bool Connection::may_read() const {
  if (!open_ || ended_) return false;
  const bool busy = phase_ == Phase::handling || phase_ == Phase::writing;
  return !busy || pending_.size() < server_->limits.header_bytes_max;
}

void Connection::on_ready(bool readable, bool writable, bool ended) {
  const ConnectionPtr self(this);
  readable_ = readable_ || readable;
  no_more_ = no_more_ || ended;
  if (writable && sending_ == Sending::blocked) write();
  read();
}

/// Less than there is room for was all there is: what comes later is announced.
void Connection::read() {
  if (std::exchange(reading_, true)) return;
  std::size_t total = 0;
  while (readable_ && may_read()) {
    if (total >= kTurnBytes) {
      server_->resume_later(*this);
      break;
    }
    const std::optional<std::size_t> count = socket_.receive(server_->scratch);
    readable_ = count && (*count == server_->scratch.size() || (no_more_ && *count > 0));
    if (!count) break;
    if (*count == 0) {
      on_end();
      break;
    }
    total += *count;
    take_in({server_->scratch.data(), *count});
  }
  reading_ = false;
}

void Connection::on_end() {
  ended_ = true;
  // An answer that is being written is finished: the client may have closed only its own direction.
  if (phase_ != Phase::writing) close();
}

void Connection::take_in(std::string_view bytes) {
  if (phase_ == Phase::lingering) {
    lingered_ += bytes.size();
    if (lingered_ > kLingerBytesMax) close();
    return;
  }
  if (pending_.empty()) bytes.remove_prefix(advance(bytes));
  if (!open_ || bytes.empty()) return;
  pending_.append(bytes);
  take_pending();
}

void Connection::take_pending() {
  const std::size_t used = advance(pending_);
  pending_.erase(0, used);
}

/// Reads on in the present request, or begins the next one. Returns how many bytes were used.
std::size_t Connection::advance(std::string_view bytes) {
  std::size_t used = 0;
  if (phase_ == Phase::idle) {
    // Some clients end a body with a line break that does not belong to it.
    while (used < bytes.size() && (bytes[used] == '\r' || bytes[used] == '\n')) ++used;
    if (used == bytes.size()) return used;
    reader_ = server_->take_reader();
    server_->enter(*this, Phase::head);
  }
  if (phase_ != Phase::head && phase_ != Phase::body) return used;
  used += reader_->put(bytes.substr(used));
  switch (reader_->state()) {
    case RequestReader::State::head:
      break;
    case RequestReader::State::body:
      if (phase_ == Phase::head) {
        server_->enter(*this, Phase::body);
        spooled_ = 0;
        if (reader_->expects_continue() && used == bytes.size()) send_continue();
      } else if (reader_->spooled_bytes() >= spooled_ + kBodyStepBytes) {
        spooled_ = reader_->spooled_bytes();
        server_->enter(*this, Phase::body);
      }
      break;
    case RequestReader::State::complete:
      dispatch();
      break;
    case RequestReader::State::refused: {
      const RequestReader::Refusal refusal = reader_->refusal();
      refuse(refusal.status, refusal.message);
      break;
    }
  }
  return used;
}

/// Nothing else is being written when a body is awaited, so these few bytes fit or the client does not read.
void Connection::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (socket_.send(kContinue, {}) != kContinue.size()) close();
}

void Connection::dispatch() {
  std::unique_ptr<RequestReader> reader = std::move(reader_);
  Request& request = reader->request();
  request.peer = peer_;
  keep_alive_ = reader->keep_alive();
  http_1_0_ = reader->http_1_0();
  head_only_ = request.method == "HEAD";
  server_->enter(*this, Phase::handling);
  auto state = std::make_shared<Responder::State>(*this);
  current_ = state.get();
  try {
    server_->handler(std::move(request), Responder(std::move(state)));
  } catch (const std::exception& error) {
    // The responder went with it, so the client was answered 500.
    log::error("a request ended with an exception: {}", error.what());
  }
  server_->give_reader(std::move(reader));
}

void Connection::refuse(int status, std::string_view message) {
  reader_.reset();
  keep_alive_ = false;
  head_only_ = false;
  begin_write(error_response(status, message), {});
}

void Connection::answer(Response&& response, std::function<void(bool)>&& written) {
  ENSURE(open_ && phase_ == Phase::handling);
  current_ = nullptr;
  begin_write(std::move(response), std::move(written));
}

void Connection::begin_write(Response&& response, std::function<void(bool)>&& written) {
  server_->counts.add(response.status);
  if (server_->stopping) keep_alive_ = false;
  const After after = !keep_alive_ ? After::close : http_1_0_ ? After::keep_open_http_1_0 : After::keep_open;
  out_head_ = take_text(kHeadBytesUsual);
  append_response_head(out_head_, response, after);
  if (head_only_ || is_bodiless(response.status)) response.body.clear();
  if (response.body.size() <= kJoinedBytes) {
    out_head_ += response.body;
    give_text(std::move(response.body));
  } else {
    out_body_ = std::move(response.body);
  }
  out_sent_ = 0;
  written_ = std::move(written);
  server_->enter(*this, Phase::writing);
  write_when_free();
}

void Connection::begin_stream(Response response) {
  ENSURE(open_ && phase_ == Phase::handling && !streaming_);
  server_->counts.add(response.status);
  streaming_ = true;
  stream_ended_ = false;
  chunked_ = !http_1_0_;
  keep_alive_ = keep_alive_ && chunked_ && !server_->stopping;
  out_head_ = take_text(kHeadBytesUsual);
  append_response_head(out_head_, response, keep_alive_ ? After::keep_open : After::close,
                       chunked_ ? Framing::chunked : Framing::until_close);
  out_sent_ = 0;
  server_->enter(*this, Phase::writing);  // first: what is added from now on waits behind the head
  static_cast<void>(write_stream(response.body));
  out_body_ = std::exchange(stream_next_, {});
  write_when_free();
}

bool Connection::write_stream(std::string_view bytes) {
  if (!open_) return false;
  if (bytes.empty() || head_only_) return true;
  // The head does not count: what comes first may be of any size, too.
  const std::size_t body_sent = out_sent_ - std::min(out_sent_, out_head_.size());
  const std::size_t unsent = out_body_.size() - body_sent + stream_next_.size();
  if (unsent > 0 && unsent + bytes.size() > server_->limits.unread_bytes_max) return false;
  if (chunked_) {
    char size[20];
    const auto end = std::to_chars(std::begin(size), std::end(size), bytes.size(), 16);
    stream_next_.append(size, end.ptr);
    stream_next_ += "\r\n";
  }
  stream_next_ += bytes;
  if (chunked_) stream_next_ += "\r\n";
  if (phase_ == Phase::handling) flush_stream();
  return true;
}

void Connection::when_drained(std::function<void()> drained) {
  if (!open_) return;
  drained_ = std::move(drained);
  if (phase_ != Phase::handling) return;  // told when what is under way has been sent
  asio::post(server_->context, [self = ConnectionPtr(this)] {
    if (self->open_ && self->phase_ == Phase::handling) self->tell_drained();
  });
}

void Connection::tell_drained() {
  const std::function<void()> drained = std::exchange(drained_, nullptr);
  if (drained) drained();
}

void Connection::end_stream() {
  current_ = nullptr;
  drained_ = nullptr;
  stream_ended_ = true;
  if (chunked_ && !head_only_) stream_next_ += "0\r\n\r\n";
  if (phase_ == Phase::handling) flush_stream();
}

void Connection::flush_stream() {
  out_body_ = std::exchange(stream_next_, {});
  out_sent_ = 0;
  server_->enter(*this, Phase::writing);
  write_when_free();
}

/// What was under way is sent: sends what has come meanwhile, or waits for more. False: the answer is whole.
bool Connection::stream_goes_on() {
  if (!stream_next_.empty()) {
    flush_stream();
    return true;
  }
  if (stream_ended_) {
    streaming_ = false;
    return false;
  }
  server_->enter(*this, Phase::handling);
  if (ended_) {
    close();
  } else {
    read();
    tell_drained();
  }
  return true;
}

void Connection::write_when_free() {
  if (!server_->holds(*this)) write();
}

/// Tells of the end later: whoever answers does not expect to be called back meanwhile.
void Connection::write() {
  const std::size_t before = out_sent_;
  while (out_sent_ < out_head_.size() + out_body_.size()) {
    const std::size_t head_sent = std::min(out_sent_, out_head_.size());
    const auto count = socket_.send(std::string_view(out_head_).substr(head_sent),
                                    std::string_view(out_body_).substr(out_sent_ - head_sent));
    if (!count) return end_write(Sending::broken);
    out_sent_ += *count;
    const bool full = *count == 0;
    if (!full && out_sent_ - before < kTurnBytes) continue;
    if (out_sent_ > before) server_->enter(*this, Phase::writing);  // the client reads: its time starts anew
    sending_ = full ? Sending::blocked : Sending::paused;
    if (!full) server_->resume_later(*this);
    return;
  }
  end_write(Sending::sent);
}

void Connection::end_write(Sending how) {
  sending_ = how;
  server_->resume_later(*this);
}

void Connection::resume() {
  if (sending_ == Sending::paused) write();
  if (sending_ == Sending::sent || sending_ == Sending::broken) {
    const bool whole = std::exchange(sending_, Sending::nothing) == Sending::sent;
    on_written(open_ && whole);
  }
  if (open_) read();
}

void Connection::on_written(bool whole) {
  give_text(std::exchange(out_head_, {}));
  give_text(std::exchange(out_body_, {}));
  out_sent_ = 0;
  if (pending_.empty()) give_back_above(kKeptBufferBytes, pending_);
  const std::function<void(bool)> written = std::exchange(written_, nullptr);
  if (written) written(whole && !ended_);
  if (!open_) return;
  if (!whole) return close();
  if (streaming_ && stream_goes_on()) return;
  if (!keep_alive_ || server_->stopping) return ended_ ? close() : linger();
  server_->enter(*this, Phase::idle);
  if (!pending_.empty()) take_pending();
  if (ended_ && phase_ != Phase::writing) return close();
  read();
}

/// Closing while bytes of the client are unread would reset the connection and could take the answer with it, so the
/// rest is read and thrown away, within bounds.
void Connection::linger() {
  const bool clean = pending_.empty() && server_->stopping && !refused_;
  if (!socket_.end_sending() || clean) return close();
  give_back(pending_);
  server_->enter(*this, Phase::lingering);
  read();
}

void Connection::expire() {
  if (phase_ == Phase::body) return refuse(408, "the request body did not arrive in time");
  close();
}

void Connection::close() {
  if (!open_) return;
  open_ = false;
  const ConnectionPtr self(this);
  server_->poller.forget(socket_.descriptor(), *this);
  socket_.close();
  server_->remove(*this);
  if (sending_ == Sending::blocked || sending_ == Sending::paused) end_write(Sending::broken);
  reader_.reset();
  give_back(pending_);
  give_back(stream_next_);
  if (Responder::State* state = std::exchange(current_, nullptr)) state->client_gone();
  drained_ = nullptr;
}

}  // namespace penstock::net
