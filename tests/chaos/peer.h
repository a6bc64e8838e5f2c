#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace penstock::chaos {

std::int64_t now_ms();

class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();
  void add(int fd, void* owner);
  void set(int fd, void* owner, bool writes);
  std::span<const epoll_event> wait(int ms);

 private:
  int epoll_;
  std::array<epoll_event, 512> events_{};
};

/// The digits behind `"name":`; 0 when there are none.
std::uint64_t number_member(std::string_view json, std::string_view name);
/// The text behind `"name":"`, up to the next quote.
std::string_view text_member(std::string_view json, std::string_view name);

/// One request at a time over one connection, which is made again, a moment later, whenever it breaks: the server is
/// being killed.
class Peer {
 public:
  Peer(Poller& poller, int port) : poller_(poller), port_(port) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() { close(); }

  /// Called every few milliseconds.
  void tick(std::int64_t now);
  void on_event(std::uint32_t events);

 protected:
  /// Connected, and no request under way: may request(). Called again at each tick while nothing was asked.
  virtual void on_idle() = 0;
  virtual void on_answer(int status, std::string_view body) = 0;
  /// The connection broke while a request was under way: it may have arrived or not.
  virtual void on_broken() = 0;

  void request(std::string_view method, std::string_view target, std::string_view authorization, std::string_view body);
  /// Bytes that are no whole request; then the connection ends.
  void send_and_leave(std::string_view bytes);
  void wait_until(std::int64_t ms) { resume_at_ = ms; }

 private:
  void connect();
  void close();
  void broke();
  void flush();
  bool take_answer();

  Poller& poller_;
  int port_;
  int fd_ = -1;
  std::int64_t resume_at_ = 0;
  bool asked_ = false;
  bool writes_ = false;
  std::string in_;
  std::string out_;
};

}  // namespace penstock::chaos
