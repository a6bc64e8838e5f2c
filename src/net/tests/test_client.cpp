#include "net/tests/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace penstock::net {

TestClient::TestClient(std::uint16_t port, int receive_buffer_bytes) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  ENSURE(fd_ >= 0);
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ENSURE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

TestClient::~TestClient() {
  close();
}

bool TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t TestClient::send_until_stuck(std::size_t bytes_max, std::chrono::milliseconds patience) {
  const std::string piece(64 * 1024, 'x');
  std::size_t total = 0;
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  while (total < bytes_max && ::poll(&ready, 1, static_cast<int>(patience.count())) == 1) {
    const ssize_t sent = ::send(fd_, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) break;
    total += static_cast<std::size_t>(sent);
  }
  return total;
}

void TestClient::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

void TestClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void TestClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

bool TestClient::fill() {
  char bytes[16 * 1024];
  const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

bool TestClient::receive_bytes(std::size_t count, std::string& out) {
  while (buffer_.size() < count) {
    if (!fill()) return false;
  }
  out = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return true;
}

std::optional<TestClient::Answer> TestClient::receive(bool to_head) {
  std::size_t end = buffer_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!fill()) return std::nullopt;
    end = buffer_.find("\r\n\r\n");
  }
  std::string head;
  if (!receive_bytes(end + 4, head)) return std::nullopt;
  Answer answer;
  answer.status = std::atoi(head.c_str() + 9);
  std::size_t at = head.find("\r\n");
  answer.reason = head.substr(13, at - 13);
  for (at += 2; at < end; at = head.find("\r\n", at) + 2) {
    const std::size_t colon = head.find(": ", at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = head.substr(colon + 2, head.find("\r\n", at) - colon - 2);
  }
  const auto length = answer.headers.find("content-length");
  if (to_head || length == answer.headers.end()) return answer;
  if (!receive_bytes(std::stoul(length->second), answer.body)) return std::nullopt;
  return answer;
}

std::optional<TestClient::Answer> TestClient::exchange(std::string_view method, std::string_view target,
                                                       std::string_view body) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n";
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  if (!send(request)) return std::nullopt;
  return receive(method == "HEAD");
}

std::optional<std::string> TestClient::receive_to_end() {
  while (true) {
    char bytes[16 * 1024];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count < 0) return std::nullopt;
    if (count == 0) return buffer_;
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
}

}  // namespace penstock::net
