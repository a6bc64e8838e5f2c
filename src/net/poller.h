#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <span>

namespace penstock::net {

/// Asks the kernel about many sockets with one call, and about each of them without a call of its own for every
/// request: a socket is announced when bytes have come or room was made (epoll, edge-triggered), so whoever is told
/// takes all there is, or remembers that there is more. Belongs to the loop and its thread.
class Poller {
 public:
  class Watcher {
   public:
    /// `readable`: bytes have come; `ended`: and after them no more will.
    virtual void on_ready(bool readable, bool writable, bool ended) = 0;

   protected:
    ~Watcher() = default;
  };

  explicit Poller(boost::asio::io_context& context);

  /// Waits for its sockets, again and again. `alive` is kept meanwhile, and with it whoever owns this. Until close().
  void start(std::shared_ptr<void> alive);
  void close();

  /// Error: the kernel has no room for one more. The watcher is told until forget(), which comes before its socket is
  /// closed.
  boost::system::error_code watch(int descriptor, Watcher& watcher);
  void forget(int descriptor, const Watcher& watcher);

 private:
  void look();

  boost::asio::posix::stream_descriptor epoll_;
  std::array<epoll_event, 128> events_;
  std::span<epoll_event> untold_;  // of `events_`
};

}  // namespace penstock::net
