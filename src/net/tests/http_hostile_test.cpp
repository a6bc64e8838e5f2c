#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/tests/test_server.h"

// Clients that mean harm, or are broken: each costs the server a bounded time and a bounded memory, and nobody else
// notices. What is refused once and for all is in http_limits_test.

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{5};

/// Sends `piece` again and again, a little apart, until the server has had enough. False: it never had.
bool trickle(TestClient& client, std::string_view piece) {
  const auto deadline = steady_clock::now() + TestClient::kPatience;
  while (client.send(piece)) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kTick);
  }
  return true;
}

HttpLimits quick() {
  HttpLimits limits;
  limits.idle_timeout = milliseconds(100);
  limits.head_timeout = milliseconds(100);
  limits.body_timeout = milliseconds(100);
  return limits;
}

TEST(HttpHostile, AByteNowAndThenDoesNotKeepAHeadAlive) {
  TestServer server(echo, quick());
  TestClient client(server.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_TRUE(trickle(client, "X: y\r\n"));
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, AByteNowAndThenDoesNotKeepABodyAlive) {
  TestServer server(echo, quick());
  for (const char* how : {"Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\n" + std::string(how)));
    EXPECT_TRUE(trickle(client, "1\r\nx\r\n"));
  }
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, EmptyLinesBetweenRequestsDoNotKeepAConnectionAlive) {
  TestServer server(echo, quick());
  TestClient client(server.port());
  EXPECT_TRUE(trickle(client, "\r\n"));
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, HeadersWithoutEndAreRefused) {
  HttpLimits limits;
  limits.header_bytes_max = 10'000;
  TestServer server(echo, limits);
  for (const std::string& endless : {std::string("X: y\r\n"), std::string("x"), std::string("X:\r\n")}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: h\r\n"));
    std::string many;
    while (many.size() < 50'000) many += endless;
    client.send(many);
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << endless;
    EXPECT_EQ(answer->status, 431) << endless;
  }
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, ChunksWithoutEndAreRefusedAtTheLimit) {
  HttpLimits limits;
  limits.body_bytes_max = 100'000;
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string chunks;
  for (int i = 0; i < 1'000; ++i) chunks += "80\r\n" + std::string(128, 'x') + "\r\n";
  client.send(chunks);
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 413);
  client.close();
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, ManyLargeBodiesAtOnceAreBoundedTogetherAndSmallOnesPass) {
  HttpLimits limits;
  limits.bodies_bytes_max = 300'000;
  TestServer server(echo, limits);
  const auto begin = [&](std::size_t sent) {
    auto client = std::make_unique<TestClient>(server.port());
    EXPECT_TRUE(client->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + std::string(sent, 'x')));
    return client;
  };
  auto first = begin(150'000);
  TestClient small(server.port());
  ASSERT_TRUE(small.exchange("POST", "/", std::string(1'000, 'x')).has_value());  // the first one's bytes were read
  auto second = begin(200'000);
  const auto answer = second->receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 503);
  EXPECT_NE(answer->body.find("server.bodies_mb"), std::string::npos) << answer->body;
  EXPECT_EQ(small.exchange("POST", "/", std::string(1'000, 'x'))->status, 200);
  ASSERT_TRUE(first->send(std::string(50'000, 'x')));
  EXPECT_EQ(first->receive()->status, 200);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(begin(200'000)->receive()->status, 200) << "what has ended counts no more";
}

TEST(HttpHostile, ChunkExtensionsAndTrailersWithoutEndAreRefused) {
  HttpLimits limits;
  limits.header_bytes_max = 10'000;
  TestServer server(echo, limits);
  for (const char* begin : {"1;x=", "1\r\na\r\n0\r\nT: "}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(begin)));
    client.send(std::string(100'000, 'y'));
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << begin;
    EXPECT_GE(answer->status, 400) << begin;
    EXPECT_LT(answer->status, 500) << begin;
  }
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, AClientThatHalfClosesInMidRequestIsLetGo) {
  TestServer server(echo);
  for (const char* half : {"GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
                           "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ""}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send(half));
    client.shutdown_send();
    EXPECT_EQ(client.receive_to_end(), "") << half;
  }
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, APipelineWithoutReadingStops) {
  HttpLimits limits;
  limits.write_timeout = milliseconds(200);
  TestServer server(
      [](Request, Responder responder) {
        Response response;
        response.body = std::string(64 * 1024, 'x');
        responder.send(std::move(response));
      },
      limits);
  TestClient client(server.port(), 4 * 1024);
  std::string requests;
  for (int i = 0; i < 10'000; ++i) requests += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  // 640 MB of answers that nobody reads: the server neither makes nor keeps them.
  client.send(requests);
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpHostile, OthersAreServedMeanwhile) {
  HttpLimits limits;
  limits.connections_max = 600;
  TestServer server(echo, limits);
  std::vector<std::unique_ptr<TestClient>> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(std::make_unique<TestClient>(server.port()));
    ASSERT_TRUE(slow.back()->send(i % 2 == 0 ? "GET / HTTP/1.1\r\nX: "
                                             : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"));
  }
  TestClient client(server.port());
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.exchange("GET", "/quick")->body, "GET /quick ");
  // And those who were only slow are served after all.
  ASSERT_TRUE(slow[1]->send("123456789"));
  EXPECT_EQ(slow[1]->receive()->body, "POST / 123456789");
}

}  // namespace
}  // namespace penstock::net
