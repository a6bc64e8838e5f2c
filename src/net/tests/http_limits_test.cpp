#include <gtest/gtest.h>

#include "net/http_server.h"
#include "net/tests/test_server.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

/// The answer is the stated refusal, and the connection ends after it without a reset.
void expect_refused(TestClient& client, int status, const std::string& message) {
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, status);
  EXPECT_EQ(answer->body, "{\"error\":\"" + message + "\"}");
  EXPECT_EQ(answer->headers.at("content-type"), "application/json");
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_EQ(client.receive_to_end(), "");
}

TEST(HttpLimits, RefusesALargeHead) {
  HttpLimits limits;
  limits.header_bytes_max = 1000;
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(5000, 'x') + "\r\n\r\n"));
  expect_refused(client, 431, "the request head is too large: at most 1000 bytes are accepted");
}

TEST(HttpLimits, RefusesALargeBodyBeforeItArrives) {
  HttpLimits limits;
  limits.body_bytes_max = 1000;
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"));
  expect_refused(client, 413, "the request body is too large: at most 1000 bytes are accepted");
}

TEST(HttpLimits, AClientThatSendsAllOfALargeBodySeesTheRefusal) {
  HttpLimits limits;
  limits.body_bytes_max = 1000;
  TestServer server(echo, limits);
  const std::string body(25 * 1024 * 1024, 'x');
  for (const bool chunked : {false, true}) {
    TestClient client(server.port());
    std::string request = "POST / HTTP/1.1\r\nHost: h\r\n";
    if (chunked) {
      request += "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1900000\r\n" + body + "\r\n0\r\n\r\n";
    } else {
      request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    EXPECT_TRUE(client.send(request));
    expect_refused(client, 413, "the request body is too large: at most 1000 bytes are accepted");
  }
}

TEST(HttpLimits, DoesNotDrainARefusedBodyForever) {
  HttpLimits limits;
  limits.body_bytes_max = 1000;
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"));
  const std::string piece(1024 * 1024, 'x');
  int sent = 0;
  while (sent < 200 && client.send(piece)) ++sent;
  EXPECT_LT(sent, 200);
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpLimits, ClosesAConnectionWhoseHeadIsSlow) {
  HttpLimits limits;
  limits.head_timeout = milliseconds(30);
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHo"));
  EXPECT_EQ(client.receive_to_end(), "");
}

TEST(HttpLimits, RefusesABodyThatIsSlow) {
  HttpLimits limits;
  limits.body_timeout = milliseconds(30);
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"));
  expect_refused(client, 408, "the request body did not arrive in time");
}

TEST(HttpLimits, ClosesAnIdleConnectionButNoHeldRequest) {
  HttpLimits limits;
  limits.idle_timeout = milliseconds(30);
  limits.head_timeout = milliseconds(30);
  limits.body_timeout = milliseconds(30);
  limits.write_timeout = milliseconds(30);
  Held held;
  TestServer server(held.handler(), limits);
  TestClient busy(server.port());
  ASSERT_TRUE(busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  held.request();
  TestClient idle(server.port());
  EXPECT_EQ(idle.receive_to_end(), "");
  EXPECT_FALSE(held.gone(milliseconds(0)));
  server.on_loop([&] { held.responder().send({}); });
  const auto answer = busy.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(busy.receive_to_end(), "");
}

TEST(HttpLimits, ClosesOnAClientThatDoesNotReadItsAnswer) {
  HttpLimits limits;
  limits.write_timeout = milliseconds(50);
  Awaited<bool> written;
  TestServer server(
      [&](Request, Responder responder) {
        Response response;
        response.body.assign(64 * 1024 * 1024, 'x');
        responder.send(std::move(response), [&](bool whole) { written.set(whole); });
      },
      limits);
  TestClient client(server.port(), 4096);
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(written.get());
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpLimits, AClientThatReadsSlowlyGetsItsWholeAnswer) {
  HttpLimits limits;
  limits.write_timeout = milliseconds(500);
  const std::size_t size = 64 * 1024 * 1024;
  TestServer server(
      [&](Request, Responder responder) {
        Response response;
        response.body.assign(size, 'x');
        responder.send(std::move(response));
      },
      limits);
  TestClient client(server.port(), 4096);
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto start = std::chrono::steady_clock::now();
  std::string piece;
  std::size_t total = 0;
  for (int i = 1; i <= 64; ++i) {
    // Reading in even steps, twice as long as the limit in all.
    while (std::chrono::steady_clock::now() - start < i * milliseconds(16)) std::this_thread::yield();
    ASSERT_TRUE(client.receive_bytes(size / 64, piece)) << "at " << total;
    total += piece.size();
  }
  EXPECT_EQ(total, size);
}

TEST(HttpLimits, RefusesConnectionsBeyondTheMost) {
  HttpLimits limits;
  limits.connections_max = 2;
  TestServer server(echo, limits);
  TestClient first(server.port());
  auto second = std::make_unique<TestClient>(server.port());
  ASSERT_TRUE(first.exchange("GET", "/").has_value());
  ASSERT_TRUE(second->exchange("GET", "/").has_value());
  TestClient third(server.port());
  ASSERT_TRUE(third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  expect_refused(third, 503, "the server has too many connections: at most 2 are accepted");
  EXPECT_TRUE(server.await_connections(2));
  second.reset();
  EXPECT_TRUE(server.await_connections(1));
  TestClient fourth(server.port());
  const auto answer = fourth.exchange("GET", "/");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
}

TEST(HttpLimits, AsksForTheBodyLimitOfEachRequest) {
  const auto limit = [](const Request& request) { return request.path == "/big" ? 100U : 10U; };
  TestServer server(echo, {}, limit);
  TestClient client(server.port());
  const std::string body(50, 'x');
  EXPECT_EQ(client.exchange("POST", "/big", body)->status, 200);
  EXPECT_EQ(client.exchange("POST", "/small", body)->status, 413);
}

TEST(HttpLimits, RefusesMalformedRequests) {
  TestServer server(echo);
  const std::pair<std::string, std::string> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", "the request has no Host header"},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "malformed request: the path has a '%' without two hexadecimal digits"},
      {"hello\r\n\r\n", "malformed request: bad method"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil",
       "malformed request: bad Transfer-Encoding"},
  };
  for (const auto& [request, message] : cases) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send(request));
    expect_refused(client, 400, message);
  }
  TestClient client(server.port());  // a good request before the bad one is answered
  ASSERT_TRUE(client.send("GET /good HTTP/1.1\r\nHost: h\r\n\r\nBAD\r\n\r\n"));
  EXPECT_EQ(client.receive()->body, "GET /good ");
  EXPECT_EQ(client.receive()->status, 400);
}

}  // namespace
}  // namespace penstock::net
