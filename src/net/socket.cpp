#include "net/socket.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace penstock::net {
namespace {

bool is_only_full() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

// recv() and send() themselves can be cancelled by other threads, which takes them four atomic operations a call. We
// cancel no threads.
ssize_t receive_now(int descriptor, std::span<char> into) {
  return ::syscall(SYS_recvfrom, descriptor, into.data(), into.size(), 0, nullptr, nullptr);
}

ssize_t send_now(int descriptor, std::string_view bytes) {
  return ::syscall(SYS_sendto, descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
}

iovec part(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg() does not write to it
}

}  // namespace

std::optional<std::size_t> Socket::receive(std::span<char> into) {
  const ssize_t count = receive_now(descriptor_, into);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (is_only_full()) return std::nullopt;
  return 0;
}

std::optional<std::size_t> Socket::send(std::string_view head, std::string_view body) {
  std::array<iovec, 2> parts = {part(head), part(body)};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t count = body.empty()   ? send_now(descriptor_, head)
                        : head.empty() ? send_now(descriptor_, body)
                                       : ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (is_only_full()) return 0;
  return std::nullopt;
}

bool Socket::end_sending() {
  return ::shutdown(descriptor_, SHUT_WR) == 0;
}

void Socket::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace penstock::net
