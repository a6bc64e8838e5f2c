#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "net/poller.h"
#include "net/request_reader.h"
#include "net/socket.h"

namespace penstock::net {

struct Server;
class Connection;
using ConnectionPtr = boost::intrusive_ptr<Connection>;
using Connections = std::list<ConnectionPtr>;

/// What a connection is doing. In each phase but `handling` it has a time limit, the same for all connections, so that
/// one list per phase, in the order of entering, is a queue of deadlines.
enum class Phase { idle, head, body, handling, writing, lingering };
constexpr std::size_t kPhases = 6;

/// One client's connection: reads requests, hands them to the handler one at a time, writes the answers.
/// It reads whatever comes almost always, also while a request is handled: that is how a client that leaves is noticed.
/// Owned by the server's lists until close(). Loop thread only, and so is the count of its owners: an atomic one waits
/// for all that was written before it, which is much when a request has just been copied.
class Connection final : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter>,
                         private Poller::Watcher {
 public:
  Connection(std::shared_ptr<Server> server, Socket socket, std::string peer);
  ~Connection();

  /// Once, after the server has put the connection into its list. Error: the system cannot watch one more.
  boost::system::error_code start();
  /// Instead of reading requests: answers 503 and closes.
  void turn_away();

  /// The answer to the request that is being handled.
  void answer(Response&& response, std::function<void(bool)>&& written);

  /// The same piece by piece (Responder::begin). write_stream: false when too much is unread.
  void begin_stream(Response response);
  bool write_stream(std::string_view bytes);
  void when_drained(std::function<void()> drained);
  void end_stream();
  bool streaming() const { return streaming_; }

  /// The time limit of the present phase has passed. Always leaves the phase.
  void expire();

  /// Closes at once. A request that is being handled is told that its client is gone.
  void close();

  bool open() const { return open_; }

 private:
  friend struct Server;

  /// What becomes of the bytes of an answer: the rest waits for room or, where the client takes much, for its turn; or
  /// all were sent, or no more can be, and on_written() is to be called.
  enum class Sending { nothing, blocked, paused, sent, broken };

  void on_ready(bool readable, bool writable, bool ended) override;
  void read();
  void on_end();
  void take_in(std::string_view bytes);
  void take_pending();
  std::size_t advance(std::string_view bytes);
  void send_continue();
  void dispatch();
  void refuse(int status, std::string_view message);
  void begin_write(Response&& response, std::function<void(bool)>&& written);
  void write_when_free();
  void write();
  void end_write(Sending how);
  void on_written(bool whole);
  void resume();
  void flush_stream();
  void tell_drained();
  bool stream_goes_on();
  void linger();
  bool may_read() const;

  std::shared_ptr<Server> server_;
  Socket socket_;
  std::string peer_;

  // The server's book-keeping: which list it is in, where, and since when.
  Phase phase_ = Phase::idle;
  Connections::iterator place_;
  std::chrono::steady_clock::time_point since_;

  bool open_ = true;
  bool readable_ = false;  // there may be bytes that were not read
  bool no_more_ = false;   // behind them
  bool reading_ = false;
  Sending sending_ = Sending::nothing;
  bool resumes_ = false;     // is in the server's list of those
  bool refused_ = false;     // came beyond the limit of connections
  bool ended_ = false;       // the client sends no more
  bool keep_alive_ = false;  // of the request that is being answered
  bool http_1_0_ = false;
  bool head_only_ = false;  // it was HEAD

  std::string pending_;  // received, not yet read as a request
  std::size_t lingered_ = 0;
  std::size_t spooled_ = 0;  // of the present body, when its time began anew
  std::unique_ptr<RequestReader> reader_;
  Responder::State* current_ = nullptr;  // the request that is being handled; the state clears it when it dies

  std::string out_head_;
  std::string out_body_;
  std::size_t out_sent_ = 0;
  std::function<void(bool)> written_;

  // An answer that comes piece by piece: what waits until the bytes above are sent.
  bool streaming_ = false;
  bool stream_ended_ = false;
  bool chunked_ = false;
  std::string stream_next_;
  std::function<void()> drained_;
};

}  // namespace penstock::net
