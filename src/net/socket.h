#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace penstock::net {

/// A connected TCP socket that never blocks. Closes it in the end.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  int descriptor() const { return descriptor_; }

  /// How many bytes came; 0: no more will, the other side has ended or the connection is broken. Nothing: none so far.
  std::optional<std::size_t> receive(std::span<char> into);
  /// How many bytes of both, one behind the other, were taken, 0 while there is no room. Nothing: the connection is
  /// broken.
  std::optional<std::size_t> send(std::string_view head, std::string_view body);

  /// False: the connection is broken.
  bool end_sending();
  void close();

 private:
  int descriptor_;
};

}  // namespace penstock::net
