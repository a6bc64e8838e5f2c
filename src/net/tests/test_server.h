#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <utility>

#include "net/http_server.h"
#include "net/tests/test_client.h"

namespace penstock::net {

/// Sends back what the request was.
inline void echo(Request request, Responder responder) {
  Response response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + " " + request.body;
  responder.send(std::move(response));
}

/// A server on a free port, its loop in a thread of its own.
class TestServer {
 public:
  explicit TestServer(HttpServer::Handler handler, HttpLimits limits = {}, HttpServer::BodyLimit body_limit = {})
      : server_(loop_, limits, std::move(handler), std::move(body_limit)) {
    const auto port = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(port.has_value());
    port_ = port.value_or(0);
    thread_ = std::thread([this] { loop_.run(); });
  }

  ~TestServer() {
    loop_.post([this] {
      server_.stop_now();
      loop_.stop();
    });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  HttpServer& server() { return server_; }
  Loop& loop() { return loop_; }

  /// Runs on the loop's thread and waits for the result.
  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }

  /// Waits until the server has as many connections.
  bool await_connections(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + TestClient::kPatience;
    while (on_loop([this] { return server_.connections(); }) != count) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  Loop loop_;
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// A value that the loop's thread sets once and the test waits for.
template <class T>
class Awaited {
 public:
  void set(T value) { promise_.set_value(std::move(value)); }
  bool arrives(std::chrono::milliseconds within = TestClient::kPatience) {
    return future_.wait_for(within) == std::future_status::ready;
  }
  T get() { return arrives() ? future_.get() : throw std::runtime_error("waited in vain"); }

 private:
  std::promise<T> promise_;
  std::future<T> future_ = promise_.get_future();
};

/// A handler that keeps the responders for the test to answer on the loop's thread.
class Held {
 public:
  HttpServer::Handler handler() {
    return [this](Request request, Responder responder) {
      responder.on_gone([this] { gone_.set(true); });
      responder_ = std::move(responder);
      arrived_.set(std::move(request));
    };
  }

  Request request() { return arrived_.get(); }
  bool gone(std::chrono::milliseconds within = TestClient::kPatience) { return gone_.arrives(within); }
  Responder& responder() { return responder_; }  // on the loop's thread

 private:
  Awaited<Request> arrived_;
  Awaited<bool> gone_;
  Responder responder_;
};

}  // namespace penstock::net
