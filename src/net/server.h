#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>

#include "net/connection.h"
#include "net/poller.h"

namespace penstock::net {

/// The connections of one server, by phase, and what they share.
struct Server : std::enable_shared_from_this<Server> {
  using Acceptor = boost::asio::ip::tcp::acceptor;

  using Handler = HttpServer::Handler;
  using BodyLimit = HttpServer::BodyLimit;

  Server(boost::asio::io_context& io, HttpLimits bounds, Handler on_request, BodyLimit ask_body_limit);

  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
  void accept(Acceptor& acceptor);
  boost::system::error_code accept_waiting(Acceptor& acceptor);
  boost::system::error_code admit(Socket socket, std::string peer);

  /// Moves the connection to the end of the phase's list and starts the phase's time.
  void enter(Connection& connection, Phase phase);
  void remove(Connection& connection);

  void stop(std::function<void()> when_done);
  void stop_now();

  /// Connection::resume() when what is under way is over.
  void resume_later(Connection& connection);
  void resume();

  std::unique_ptr<RequestReader> take_reader();
  void give_reader(std::unique_ptr<RequestReader> reader);

  /// Whether what is written now has to wait; the connection then comes to its turn in release().
  bool holds(Connection& connection);
  void release(std::uint64_t ticket);

  std::chrono::milliseconds time_limit(Phase phase) const;
  void schedule_tick();
  void tick();

  boost::asio::io_context& context;
  const HttpLimits limits;
  const Handler handler;
  const BodyLimit body_limit;

  Poller poller;
  std::list<Acceptor> acceptors;
  std::array<Connections, kPhases> phases;
  std::size_t body_bytes = 0;  // of requests that are arriving
  std::size_t count = 0;       // all connections in the lists
  std::size_t refused = 0;     // of these, admitted only to be told 503
  HttpCounts counts;
  bool stopping = false;
  std::function<void()> done;

  // HttpServer::hold(): what waits, with the ticket that it waits for.
  std::uint64_t held_until = 0;
  std::uint64_t released = 0;
  bool passing = false;  // HttpServer::pass()
  std::deque<std::pair<std::uint64_t, ConnectionPtr>> held;

  std::vector<ConnectionPtr> resuming;
  std::vector<std::unique_ptr<RequestReader>> spare_readers;

  boost::asio::steady_timer ticker;
  bool ticking = false;
  boost::asio::steady_timer accept_pause;  // after running out of file descriptors

  /// For reads that are used up before the next one begins, whosever they are.
  std::array<char, 64 * 1024> scratch;
};

}  // namespace penstock::net
