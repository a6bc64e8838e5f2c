#include "net/server.h"

#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/log.h"

namespace penstock::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsAtOnce = 128;

constexpr std::size_t kSpareReaders = 4;  // a request that has come whole needs its own only until it is handed over

// Connections beyond the limit that are told so at one time; any more are closed without a word.
constexpr std::size_t kRefusedMax = 256;

std::string as_text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

/// Which limit of the system it is, for the log; empty when it is none.
std::string_view advice_on(error_code ec) {
  if (ec == boost::system::errc::too_many_files_open) {
    return "; raise the limit on open files of this process (ulimit -n, LimitNOFILE= in systemd)";
  }
  if (ec == boost::system::errc::too_many_files_open_in_system) return "; raise the sysctl fs.file-max";
  if (ec == boost::system::errc::no_space_on_device) return "; raise the sysctl fs.epoll.max_user_watches";
  return "";
}

/// A few milliseconds behind, and cheap: each request enters four phases.
std::chrono::steady_clock::time_point coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::steady_clock::time_point(std::chrono::seconds(now.tv_sec) +
                                               std::chrono::nanoseconds(now.tv_nsec));
}

Result<asio::ip::address> parse_address(const std::string& text) {
  if (text == "localhost") return asio::ip::address_v4::loopback();
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  error_code ec;
  const auto address = asio::ip::make_address(bracketed ? text.substr(1, text.size() - 2) : text, ec);
  if (ec) {
    return fail(
        Errc::invalid,
        "\"" + text + "\" is not an address to listen on: an IPv4 or IPv6 address or \"localhost\" is accepted");
  }
  return address;
}

}  // namespace

Server::Server(asio::io_context& io, HttpLimits bounds, Handler on_request, BodyLimit ask_body_limit)
    : context(io),
      limits(bounds),
      handler(std::move(on_request)),
      body_limit(std::move(ask_body_limit)),
      poller(io),
      ticker(io),
      accept_pause(io) {}

Result<std::uint16_t> Server::listen(const std::string& address, std::uint16_t port) {
  const auto parsed = parse_address(address);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  const tcp::endpoint endpoint(*parsed, port);
  Acceptor acceptor(context);
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.set_option(tcp::no_delay(true), ec);  // those it accepts have it from here
  if (!ec) acceptor.non_blocking(true, ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(kBacklog, ec);
  tcp::endpoint bound;
  if (!ec) bound = acceptor.local_endpoint(ec);
  if (ec) return fail(Errc::unavailable, "cannot listen on " + as_text(endpoint) + ": " + ec.message());
  if (acceptors.empty()) poller.start(shared_from_this());
  acceptors.push_back(std::move(acceptor));
  accept(acceptors.back());
  return bound.port();
}

void Server::accept(Acceptor& acceptor) {
  acceptor.async_wait(Acceptor::wait_read, [self = shared_from_this(), &acceptor](error_code) {
    if (!acceptor.is_open()) return;
    const error_code ec = self->accept_waiting(acceptor);
    if (!ec) return self->accept(acceptor);
    log::warn("a connection cannot be accepted: {}{}", ec.message(), advice_on(ec));
    self->accept_pause.expires_after(kAcceptPause);
    self->accept_pause.async_wait([self, &acceptor](error_code) {
      if (acceptor.is_open()) self->accept(acceptor);
    });
  });
}

/// Takes those who wait, a bounded number of them. Error: none can be taken for the moment.
error_code Server::accept_waiting(Acceptor& acceptor) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const int descriptor = ::accept4(acceptor.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      peer.resize(size);
      if (const error_code ec = admit(Socket(descriptor), as_text(peer))) return ec;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return {errno, boost::system::system_category()};
    }
  }
  return {};
}

error_code Server::admit(Socket socket, std::string peer) {
  const bool full = count - refused >= limits.connections_max;
  if (full && refused >= kRefusedMax) return {};
  const ConnectionPtr connection(new Connection(shared_from_this(), std::move(socket), std::move(peer)));
  auto& idle = phases[static_cast<std::size_t>(Phase::idle)];
  connection->place_ = idle.insert(idle.end(), connection);
  ++count;
  enter(*connection, Phase::idle);
  if (!ticking) schedule_tick();
  if (const error_code ec = connection->start()) {
    connection->close();
    return ec;
  }
  if (full) {
    ++refused;
    connection->refused_ = true;
    connection->turn_away();
  }
  return {};
}

void Server::enter(Connection& connection, Phase phase) {
  auto& from = phases[static_cast<std::size_t>(connection.phase_)];
  auto& to = phases[static_cast<std::size_t>(phase)];
  to.splice(to.end(), from, connection.place_);
  connection.phase_ = phase;
  connection.since_ = coarse_now();
}

std::unique_ptr<RequestReader> Server::take_reader() {
  if (spare_readers.empty()) return std::make_unique<RequestReader>(limits, body_limit, &body_bytes);
  std::unique_ptr<RequestReader> reader = std::move(spare_readers.back());
  spare_readers.pop_back();
  return reader;
}

void Server::give_reader(std::unique_ptr<RequestReader> reader) {
  if (spare_readers.size() == kSpareReaders) return;
  reader->reset();
  spare_readers.push_back(std::move(reader));
}

void Server::resume_later(Connection& connection) {
  if (std::exchange(connection.resumes_, true)) return;
  resuming.emplace_back(&connection);
  if (resuming.size() > 1) return;
  asio::post(context, [self = shared_from_this()] { self->resume(); });
}

void Server::resume() {
  const std::vector<ConnectionPtr> now = std::exchange(resuming, {});
  for (const ConnectionPtr& connection : now) {
    connection->resumes_ = false;
    connection->resume();
  }
}

void Server::remove(Connection& connection) {
  --count;
  if (connection.refused_) --refused;
  phases[static_cast<std::size_t>(connection.phase_)].erase(connection.place_);
  if (stopping && count == 0 && done) asio::post(context, std::exchange(done, nullptr));
}

void Server::stop(std::function<void()> when_done) {
  stopping = true;
  done = std::move(when_done);
  error_code ignored;
  for (Acceptor& acceptor : acceptors) acceptor.close(ignored);
  accept_pause.cancel();
  auto& idle = phases[static_cast<std::size_t>(Phase::idle)];
  while (!idle.empty()) {
    const ConnectionPtr connection = idle.front();
    connection->close();
  }
  // Answers without an end of their own would keep the server for ever.
  for (const Phase phase : {Phase::handling, Phase::writing}) {
    const Connections list = phases[static_cast<std::size_t>(phase)];
    for (const ConnectionPtr& connection : list) {
      if (connection->streaming()) connection->close();
    }
  }
  if (count == 0 && done) asio::post(context, std::exchange(done, nullptr));
}

void Server::stop_now() {
  stopping = true;
  error_code ignored;
  for (Acceptor& acceptor : acceptors) acceptor.close(ignored);
  accept_pause.cancel();
  for (Connections& list : phases) {
    while (!list.empty()) {
      const ConnectionPtr connection = list.front();
      connection->close();
    }
  }
  ticker.cancel();
  release(held_until);
  resume();
  poller.close();
}

bool Server::holds(Connection& connection) {
  if (passing || held_until <= released) return false;
  held.emplace_back(held_until, &connection);
  return true;
}

void Server::release(std::uint64_t ticket) {
  released = std::max(released, ticket);
  while (!held.empty() && held.front().first <= released) {
    const ConnectionPtr connection = std::move(held.front().second);
    held.pop_front();
    if (connection->open()) {
      connection->write();
    } else {
      connection->on_written(false);
    }
  }
}

std::chrono::milliseconds Server::time_limit(Phase phase) const {
  switch (phase) {
    case Phase::idle:
      return limits.idle_timeout;
    case Phase::head:
      return limits.head_timeout;
    case Phase::body:
      return limits.body_timeout;
    case Phase::writing:
      return limits.write_timeout;
    case Phase::lingering:
      return kLingerTime;
    case Phase::handling:
      break;
  }
  return std::chrono::milliseconds::max();
}

void Server::schedule_tick() {
  // One timer for all: a limit is kept to about an eighth of the shortest one.
  using std::chrono::milliseconds;
  const milliseconds shortest =
      std::min({limits.idle_timeout, limits.head_timeout, limits.body_timeout, limits.write_timeout, kLingerTime});
  ticking = true;
  ticker.expires_after(std::clamp<milliseconds>(shortest / 8, milliseconds(2), milliseconds(500)));
  ticker.async_wait([self = shared_from_this()](error_code) { self->tick(); });
}

void Server::tick() {
  ticking = false;
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (static_cast<Phase>(i) == Phase::handling) continue;
    const std::chrono::milliseconds limit = time_limit(static_cast<Phase>(i));
    while (!phases[i].empty() && now - phases[i].front()->since_ >= limit) {
      const ConnectionPtr connection = phases[i].front();
      connection->expire();
    }
  }
  if (count > 0) schedule_tick();
}

}  // namespace penstock::net
