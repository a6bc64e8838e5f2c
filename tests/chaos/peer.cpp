#include "tests/chaos/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace penstock::chaos {
namespace {

constexpr std::int64_t kConnectAgainMs = 10;

}  // namespace

std::int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) {
    std::perror("epoll_create1");
    std::exit(2);
  }
}

Poller::~Poller() {
  ::close(epoll_);
}

void Poller::add(int fd, void* owner) {
  epoll_event event{EPOLLIN, {owner}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Poller::set(int fd, void* owner, bool writes) {
  epoll_event event{writes ? EPOLLIN | EPOLLOUT : EPOLLIN, {owner}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

std::span<const epoll_event> Poller::wait(int ms) {
  const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), ms);
  return {events_.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
}

std::uint64_t number_member(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  std::uint64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
  }
  return value;
}

std::string_view text_member(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":\"";
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = json.substr(at + key.size());
  return rest.substr(0, rest.find('"'));
}

void Peer::tick(std::int64_t now) {
  if (asked_ || now < resume_at_) return;
  if (fd_ < 0) connect();
  if (fd_ >= 0) on_idle();
}

void Peer::connect() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fd_ = -1;
    resume_at_ = now_ms() + kConnectAgainMs;
    return;
  }
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  poller_.add(fd_, this);
}

void Peer::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  in_.clear();
  out_.clear();
  writes_ = false;
}

void Peer::broke() {
  close();
  resume_at_ = now_ms() + kConnectAgainMs;
  if (!asked_) return;
  asked_ = false;
  on_broken();
}

void Peer::request(std::string_view method, std::string_view target, std::string_view authorization,
                   std::string_view body) {
  asked_ = true;
  out_.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ");
  out_.append(authorization).append("\r\n");
  if (method == "POST") {
    out_.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  }
  out_.append("\r\n").append(body);
  flush();
}

void Peer::send_and_leave(std::string_view bytes) {
  out_ += bytes;
  flush();
  if (fd_ >= 0) close();
}

void Peer::flush() {
  while (!out_.empty()) {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return;  // the next read says that it broke
    if (sent < 0) break;
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  if (writes_ == !out_.empty()) return;
  writes_ = !out_.empty();
  poller_.set(fd_, this, writes_);
}

void Peer::on_event(std::uint32_t events) {
  if (fd_ < 0) return;
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  char buffer[65536];
  const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return broke();
  in_.append(buffer, static_cast<std::size_t>(got));
  if (take_answer() && fd_ >= 0 && !asked_ && now_ms() >= resume_at_) on_idle();
}

/// True: an answer was there. Knows Content-Length only; the server sends nothing else here.
bool Peer::take_answer() {
  const std::size_t head = in_.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  std::size_t length = 0;
  for (const std::string_view name : {"Content-Length: ", "content-length: "}) {
    const std::size_t at = in_.find(name);
    if (at < head) std::from_chars(in_.data() + at + name.size(), in_.data() + head, length);
  }
  const std::size_t whole = head + 4 + length;
  if (in_.size() < whole) return false;
  const std::string answer = in_.substr(0, whole);
  in_.erase(0, whole);
  int status = 0;
  std::from_chars(answer.data() + 9, answer.data() + 12, status);
  asked_ = false;
  on_answer(status, std::string_view(answer).substr(head + 4));
  return true;
}

}  // namespace penstock::chaos
