// HttpServer::hold() and release(): nothing leaves before what it tells is durable.

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "net/tests/test_server.h"

namespace penstock::net {
namespace {

/// Answers at once, and notes what became of each answer: by path.
class Answers {
 public:
  HttpServer::Handler handler() {
    return [this](Request request, Responder responder) {
      const std::string path = request.path;
      Response response;
      response.body = path;
      const auto answer = [&] {
        responder.send(std::move(response), [this, path](bool written) { ended_[path] = written; });
      };
      if (path == passing_) {
        server_->pass(answer);
      } else {
        answer();
      }
      ++asked_;
    };
  }

  // On the loop's thread.
  void let_pass(std::string path, HttpServer& server) {
    passing_ = std::move(path);
    server_ = &server;
  }
  int asked() const { return asked_; }
  std::optional<bool> ended(const std::string& path) const {
    const auto found = ended_.find(path);
    return found == ended_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  int asked_ = 0;
  std::string passing_;
  HttpServer* server_ = nullptr;
  std::map<std::string, bool> ended_;
};

class HttpGate : public testing::Test {
 protected:
  void ask(TestClient& client, const std::string& path) {
    const int before = server_.on_loop([&] { return answers_.asked(); });
    ASSERT_TRUE(client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    await([&] { return answers_.asked() > before; });
  }

  /// Looks on the loop's thread until it is so.
  template <class Condition>
  void await(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + TestClient::kPatience;
    while (!server_.on_loop(condition)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  /// Several turns of the loop: an answer that may leave has left by then.
  std::optional<bool> ended(const std::string& path) {
    for (int i = 0; i < 20; ++i) server_.on_loop([] { return 0; });
    return server_.on_loop([&] { return answers_.ended(path); });
  }

  void hold(std::uint64_t ticket) {
    server_.on_loop([&] { server_.server().hold(ticket); });
  }
  void release(std::uint64_t ticket) {
    server_.on_loop([&] { server_.server().release(ticket); });
  }

  Answers answers_;
  TestServer server_{answers_.handler()};
};

TEST_F(HttpGate, AnAnswerWaitsUntilItsTicketIsReleased) {
  TestClient client(server_.port());
  hold(1);
  ask(client, "/a");
  EXPECT_EQ(ended("/a"), std::nullopt);
  release(1);
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "/a");
  EXPECT_EQ(ended("/a"), true);
  ask(client, "/b");  // the gate is open again
  EXPECT_TRUE(client.receive().has_value());
}

TEST_F(HttpGate, ALaterTicketHoldsOnlyWhatWasAnsweredUnderIt) {
  TestClient first(server_.port());
  TestClient second(server_.port());
  hold(1);
  ask(first, "/first");
  hold(2);
  ask(second, "/second");
  release(1);
  EXPECT_TRUE(first.receive().has_value());
  EXPECT_EQ(ended("/second"), std::nullopt);
  release(2);
  EXPECT_TRUE(second.receive().has_value());
}

TEST_F(HttpGate, WhatPassesDoesNotWait) {
  TestClient held(server_.port());
  TestClient passes(server_.port());
  hold(1);
  server_.on_loop([&] { answers_.let_pass("/passes", server_.server()); });
  ask(held, "/held");
  ask(passes, "/passes");
  EXPECT_TRUE(passes.receive().has_value());
  EXPECT_EQ(ended("/held"), std::nullopt);
  release(1);
  EXPECT_TRUE(held.receive().has_value());
}

TEST_F(HttpGate, ALaterReleaseOpensEverythingBeforeIt) {
  TestClient client(server_.port());
  hold(1);
  ask(client, "/a");
  hold(2);
  release(2);
  EXPECT_TRUE(client.receive().has_value());
}

TEST_F(HttpGate, WhoIsStoppedWhileItsAnswerWaitsIsToldSo) {
  TestClient client(server_.port());
  hold(1);
  ask(client, "/a");
  server_.on_loop([&] { server_.server().stop_now(); });
  EXPECT_EQ(ended("/a"), false);
}

}  // namespace
}  // namespace penstock::net
