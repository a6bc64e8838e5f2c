#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::bench {

/// A file descriptor with an owner.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&&) = delete;
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

Fd connect_loopback(int port);
/// Non-blocking. `port` 0 takes a free one and says which.
Fd listen_loopback(int& port);
/// Accepts one client, non-blocking; nothing there gives -1.
Fd accept_from(const Fd& listener);

class Poller {
 public:
  Poller();
  void add(int fd, void* owner);
  void want_write(int fd, void* owner, bool wanted);
  /// Waits at most `ns` (negative: for ever). The events are good until the next call.
  std::span<const epoll_event> wait(std::int64_t ns);

 private:
  Fd epoll_;
  std::array<epoll_event, 256> events_{};
};

/// A non-blocking TCP connection with its buffers. It registers with the poller, with itself or its holder as owner.
class Stream {
 public:
  Stream(Poller& poller, Fd fd, void* owner);

  /// Takes in what has arrived, one read. False: the other side has closed or the connection broke.
  bool receive();
  std::string_view unread() const { return {in_.data() + in_begin_, in_end_ - in_begin_}; }
  void consume(std::size_t bytes);

  /// Sends at once what the kernel takes and keeps the rest for flush(). False: the connection broke.
  bool send(std::string_view bytes);
  bool flush();

 private:
  Poller& poller_;
  Fd fd_;
  void* owner_;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::string out_;
};

/// One request on a connection of its own, blocking, for setting up and tearing down. Ends the program when there is no
/// answer within the time.
std::string ask(int port, std::string_view request, int& status, int seconds = 10);

}  // namespace penstock::bench
