#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::net {

/// A client that writes exactly the bytes it is told to. Blocking; no call waits longer than kPatience.
class TestClient {
 public:
  static constexpr std::chrono::seconds kPatience{10};

  struct Answer {
    int status = 0;
    std::string reason;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };

  explicit TestClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  /// False when the connection broke before everything was sent.
  bool send(std::string_view bytes);
  /// Sends until the other side has taken nothing for a while, or all is sent. Returns how many bytes were sent.
  std::size_t send_until_stuck(std::size_t bytes_max, std::chrono::milliseconds patience);
  void shutdown_send();
  void close();
  void reset();  // closes with RST

  /// The next answer; nothing when the connection ended before a whole one came, or none came in time.
  std::optional<Answer> receive(bool to_head = false);
  /// Sends one request and receives its answer.
  std::optional<Answer> exchange(std::string_view method, std::string_view target, std::string_view body = "");
  /// Everything up to the end of the connection; nothing when it did not end (or was reset).
  std::optional<std::string> receive_to_end();
  bool receive_bytes(std::size_t count, std::string& out);

 private:
  bool fill();

  int fd_ = -1;
  std::string buffer_;
};

}  // namespace penstock::net
