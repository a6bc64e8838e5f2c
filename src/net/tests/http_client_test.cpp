#include "net/http_client.h"

#include <gtest/gtest.h>

#include "net/tests/test_server.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

std::string url(const TestServer& server, const std::string& rest) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + rest;
}

TEST(HttpClient, FetchesAnAnswer) {
  TestServer server([](Request request, Responder responder) {
    Response response;
    response.status = 201;
    response.body = request.method + "|" + request.path + "|" + std::string(request.query_value("c").value_or("")) +
                    "|" + std::string(request.header("x-key")) + "|" + std::string(request.header("host")) + "|" +
                    request.body;
    responder.send(std::move(response));
  });
  ClientRequest request;
  request.method = "POST";
  request.url = url(server, "/a%20b?c=d");
  request.headers = {{"X-Key", "k"}};
  request.body = "body";
  const auto answer = fetch(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "POST|/a b|d|k|127.0.0.1:" + std::to_string(server.port()) + "|body");

  request.method = "HEAD";
  request.url = url(server, "");
  request.body.clear();
  const auto head = fetch(request);
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->body, "");
}

TEST(HttpClient, SeesTheRefusalOfALargeBody) {
  HttpLimits limits;
  limits.body_bytes_max = 10;
  TestServer server(echo, limits);
  ClientRequest request;
  request.method = "POST";
  request.url = url(server, "/");
  request.body.assign(20 * 1024 * 1024, 'x');
  const auto answer = fetch(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST(HttpClient, RefusesOtherUrls) {
  for (const char* text : {"", "localhost:80", "https://", "ftp://x/", "http://", "http:///x", "not a url"}) {
    ClientRequest request;
    request.url = text;
    const auto answer = fetch(request);
    ASSERT_FALSE(answer.has_value()) << text;
    EXPECT_EQ(answer.error().code, Errc::invalid) << text;
  }
}

TEST(HttpClient, ReportsAServerThatIsNotThere) {
  std::uint16_t port = 0;
  {
    TestServer server(echo);
    port = server.port();
  }
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/";
  const auto answer = fetch(request);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_EQ(answer.error().message, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(HttpClient, GivesUpInTime) {
  Held held;
  TestServer server(held.handler());
  ClientRequest request;
  request.url = url(server, "/");
  request.timeout = milliseconds(50);
  const auto answer = fetch(request);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_TRUE(held.gone());
}

TEST(HttpClient, ReportsALostConnection) {
  Held held;
  TestServer server(held.handler());
  std::thread stopper([&] {
    held.request();
    server.on_loop([&] { server.server().stop_now(); });
  });
  ClientRequest request;
  request.url = url(server, "/");
  const auto answer = fetch(request);
  stopper.join();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace penstock::net
