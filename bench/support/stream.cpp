#include "bench/support/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "bench/support/http.h"
#include "bench/support/measure.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kBufferBytes = 8 * 1024;
constexpr std::int64_t kSecondNs = 1'000'000'000;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

[[noreturn]] void die_errno(std::string_view what) {
  die(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

Fd::Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd connect_loopback(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die_errno(fmt::format("cannot connect to 127.0.0.1:{}", port));
  }
  set_no_delay(fd.get());
  return fd;
}

Fd listen_loopback(int& port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 1024) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    die_errno(fmt::format("cannot listen on 127.0.0.1:{}", port));
  }
  port = ntohs(address.sin_port);
  return fd;
}

Fd accept_from(const Fd& listener) {
  Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.get() >= 0) set_no_delay(fd.get());
  return fd;
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

void Poller::add(int fd, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = owner;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) die_errno("epoll_ctl");
}

void Poller::want_write(int fd, void* owner, bool wanted) {
  epoll_event event{};
  event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = owner;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) die_errno("epoll_ctl");
}

std::span<const epoll_event> Poller::wait(std::int64_t ns) {
  const timespec limit{ns / kSecondNs, ns % kSecondNs};
  const int count = ::epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   ns < 0 ? nullptr : &limit, nullptr);
  if (count < 0 && errno != EINTR) die_errno("epoll_pwait2");
  return {events_.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
}

Stream::Stream(Poller& poller, Fd fd, void* owner)
    : poller_(poller), fd_(std::move(fd)), owner_(owner), in_(kBufferBytes) {
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  poller_.add(fd_.get(), owner_);
}

bool Stream::receive() {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  if (in_end_ == in_.size()) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
    if (in_end_ > in_.size() / 2) in_.resize(in_.size() * 2);
  }
  const ssize_t count = ::recv(fd_.get(), in_.data() + in_end_, in_.size() - in_end_, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  in_end_ += static_cast<std::size_t>(count);
  return count > 0;
}

void Stream::consume(std::size_t bytes) {
  in_begin_ += bytes;
}

bool Stream::send(std::string_view bytes) {
  if (!out_.empty()) {
    out_ += bytes;
    return true;
  }
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
  const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (taken == bytes.size()) return true;
  out_ = bytes.substr(taken);
  poller_.want_write(fd_.get(), owner_, true);
  return true;
}

bool Stream::flush() {
  const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  out_.erase(0, static_cast<std::size_t>(sent));
  if (out_.empty()) poller_.want_write(fd_.get(), owner_, false);
  return true;
}

std::string ask(int port, std::string_view request, int& status, int seconds) {
  const Fd fd = connect_loopback(port);
  const timeval limit{seconds, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const ssize_t sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) die("a request could not be sent");
  std::string bytes;
  std::array<char, 16 * 1024> area;
  while (true) {
    if (const auto message = read_message(bytes)) {
      status = status_of(*message);
      return std::string(message->body);
    }
    const ssize_t count = ::recv(fd.get(), area.data(), area.size(), 0);
    if (count <= 0) die(fmt::format("no answer to {}", request.substr(0, request.find('\r'))));
    bytes.append(area.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace penstock::bench
