#include <gtest/gtest.h>

#include <memory>

#include "net/http_server.h"
#include "net/tests/test_server.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

const std::string kGet = "GET /held HTTP/1.1\r\nHost: h\r\n\r\n";

Response events(std::string first = "") {
  Response response;
  response.content_type = "text/event-stream";
  response.body = std::move(first);
  return response;
}

TEST(HttpStream, PiecesArriveAsTheyAreWritten) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  held.request();
  server.on_loop([&] { held.responder().begin(events("one")); });
  const auto head = client.receive();
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers, (std::map<std::string, std::string>{{"content-type", "text/event-stream"},
                                                               {"transfer-encoding", "chunked"}}));
  std::string piece;
  ASSERT_TRUE(client.receive_bytes(8, piece));
  EXPECT_EQ(piece, "3\r\none\r\n");
  EXPECT_TRUE(server.on_loop([&] { return held.responder().write("twelve bytes"); }));
  ASSERT_TRUE(client.receive_bytes(17, piece));
  EXPECT_EQ(piece, "c\r\ntwelve bytes\r\n");
  EXPECT_TRUE(server.on_loop([&] { return held.responder().write(""); })) << "an empty chunk would end the body";
  server.on_loop([&] { held.responder().end(); });
  ASSERT_TRUE(client.receive_bytes(5, piece));
  EXPECT_EQ(piece, "0\r\n\r\n");
}

TEST(HttpStream, TheConnectionServesTheNextRequest) {
  TestServer server([](Request request, Responder responder) {
    if (request.path != "/stream") return echo(std::move(request), std::move(responder));
    responder.begin(events());
    EXPECT_TRUE(responder.write("a"));
    EXPECT_TRUE(responder.write("b"));
    responder.end();
  });
  TestClient client(server.port());
  // Both at once: the second waits until the first is whole.
  ASSERT_TRUE(client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n"));
  ASSERT_TRUE(client.receive().has_value());
  std::string body;
  ASSERT_TRUE(client.receive_bytes(17, body));
  EXPECT_EQ(body, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  const auto next = client.receive();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->body, "GET /next ");
}

TEST(HttpStream, TheFirstPieceMayBeOfAnySize) {
  const std::string large(3'000'000, 'x');
  TestServer server([&](Request request, Responder responder) {
    if (request.path == "/begun") {
      responder.begin(events(large));
    } else {
      responder.begin(events());
      EXPECT_TRUE(responder.write(large));
    }
    responder.end();
  });
  for (const char* path : {"/begun", "/written"}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send("GET " + std::string(path) + " HTTP/1.0\r\n\r\n"));
    const auto whole = client.receive_to_end();
    ASSERT_TRUE(whole.has_value());
    EXPECT_TRUE(whole->ends_with(large)) << path;
  }
}

TEST(HttpStream, AnOldClientReadsToTheEnd) {
  TestServer server([](Request, Responder responder) {
    responder.begin(events("first,"));
    EXPECT_TRUE(responder.write("last"));
    responder.end();
  });
  TestClient client(server.port());
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  const auto whole = client.receive_to_end();
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(whole->ends_with("\r\n\r\nfirst,last")) << *whole;
  EXPECT_EQ(whole->find("chunked"), std::string::npos);
  EXPECT_EQ(whole->find("Content-Length"), std::string::npos);
}

TEST(HttpStream, HeadHasNoBody) {
  TestServer server([](Request, Responder responder) {
    responder.begin(events("first"));
    responder.write("second");
    responder.end();
  });
  TestClient client(server.port());
  ASSERT_TRUE(client.exchange("HEAD", "/").has_value());
  ASSERT_TRUE(client.exchange("HEAD", "/").has_value()) << "nothing of a body was in between";
}

TEST(HttpStream, AClientThatLeavesIsNoticed) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  held.request();
  server.on_loop([&] { held.responder().begin(events("one")); });
  ASSERT_TRUE(client.receive().has_value());
  client.close();
  EXPECT_TRUE(held.gone());
  EXPECT_FALSE(server.on_loop([&] { return held.responder().write("two"); }));
  server.on_loop([&] { held.responder().end(); });
}

TEST(HttpStream, AClientThatDoesNotReadIsDisconnected) {
  Held held;
  TestServer server(held.handler(), {.unread_bytes_max = 256 * 1024});
  TestClient client(server.port(), 4 * 1024);
  ASSERT_TRUE(client.send(kGet));
  held.request();
  server.on_loop([&] { held.responder().begin(events()); });
  const std::string piece(16 * 1024, 'x');
  // The kernel's buffers take some megabytes first.
  int written = 0;
  while (written < 4'000 && server.on_loop([&] { return held.responder().write(piece); })) ++written;
  EXPECT_GT(written, 16) << "what fits is taken";
  EXPECT_LT(written, 4'000);
  EXPECT_TRUE(server.await_connections(0));
  EXPECT_FALSE(held.gone(milliseconds(50))) << "write() told it already";
}

TEST(HttpStream, AWriterMayWaitForItsReader) {
  Held held;
  TestServer server(held.handler(), {.unread_bytes_max = 64 * 1024});
  TestClient client(server.port(), 4 * 1024);
  ASSERT_TRUE(client.send(kGet));
  held.request();
  const std::string piece(8 * 1024 * 1024, 'x');  // far more than may wait, but alone
  Awaited<bool> head_sent;
  Awaited<bool> piece_sent;
  server.on_loop([&] {
    held.responder().begin(events());
    held.responder().on_drained([&] {
      EXPECT_TRUE(held.responder().write(piece));
      held.responder().on_drained([&] { piece_sent.set(true); });
      head_sent.set(true);
    });
  });
  ASSERT_TRUE(client.receive().has_value());
  ASSERT_TRUE(head_sent.arrives());
  EXPECT_FALSE(piece_sent.arrives(milliseconds(50))) << "nobody has read it";
  std::string body;
  ASSERT_TRUE(client.receive_bytes(8 + piece.size() + 2, body));
  EXPECT_TRUE(piece_sent.arrives());
  Awaited<bool> nothing_waits;
  server.on_loop([&] { held.responder().on_drained([&] { nothing_waits.set(true); }); });
  EXPECT_TRUE(nothing_waits.arrives());
  server.on_loop([&] { held.responder().end(); });
}

TEST(HttpStream, AReaderThatLeavesDrainsNothing) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port(), 4 * 1024);
  ASSERT_TRUE(client.send(kGet));
  held.request();
  const auto kept = std::make_shared<int>(0);
  bool drained = false;
  Awaited<bool> writing;
  server.on_loop([&] {
    held.responder().begin(events());
    held.responder().on_drained([&, kept] {
      EXPECT_TRUE(held.responder().write(std::string(8 * 1024 * 1024, 'x')));
      held.responder().on_drained([&, kept] { drained = true; });
      writing.set(true);
    });
  });
  ASSERT_TRUE(writing.arrives());
  client.reset();
  EXPECT_TRUE(held.gone());
  EXPECT_TRUE(server.await_connections(0));
  EXPECT_EQ(server.on_loop([&] { return kept.use_count(); }), 1) << "what it held is let go";
  EXPECT_FALSE(server.on_loop([&] { return drained; }));
}

TEST(HttpStream, DroppedWithoutAnEndItIsCutOff) {
  TestServer server([](Request, Responder responder) { responder.begin(events("half")); });
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  const auto all = client.receive_to_end();
  if (all) EXPECT_EQ(all->find("0\r\n\r\n"), std::string::npos) << "a client must not take it for whole";
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpStream, AServerThatStopsDoesNotWaitForIt) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  held.request();
  server.on_loop([&] { held.responder().begin(events("one")); });
  ASSERT_TRUE(client.receive().has_value());
  Awaited<bool> stopped;
  server.on_loop([&] { server.server().stop([&] { stopped.set(true); }); });
  EXPECT_TRUE(stopped.arrives());
  EXPECT_TRUE(held.gone());
}

}  // namespace
}  // namespace penstock::net
