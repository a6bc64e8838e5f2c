#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>

#include "net/tests/test_server.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

const std::string kGet = "GET /held HTTP/1.1\r\nHost: h\r\n\r\n";

Response text(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer server(echo);
  TestClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.exchange("POST", "/run", "body " + std::to_string(i));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->reason, "OK");
    EXPECT_EQ(answer->body, "POST /run body " + std::to_string(i));
    EXPECT_EQ(answer->headers,
              (std::map<std::string, std::string>{{"content-type", "text/plain"}, {"content-length", "16"}}));
  }
  EXPECT_TRUE(server.await_connections(1));
  client.close();
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpServer, GivesTheHandlerTheClientsAddress) {
  Awaited<std::string> peer;
  TestServer server([&](Request request, Responder responder) {
    peer.set(request.peer);
    responder.send({});
  });
  TestClient client(server.port());
  ASSERT_TRUE(client.exchange("GET", "/").has_value());
  EXPECT_TRUE(peer.get().starts_with("127.0.0.1:"));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  // Every second request is answered only when the next turn of the loop comes.
  Loop* loop = nullptr;
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  const auto handler = [&](Request request, Responder responder) {
    most = std::max(most.load(), ++at_once);
    const std::function<void()> answer = [&at_once, request, responder]() mutable {
      --at_once;
      responder.send(text(request.path));
    };
    if (request.path.back() % 2 == 0) {
      answer();
    } else {
      loop->post(answer);
    }
  };
  TestServer server(handler);
  loop = &server.loop();
  TestClient client(server.port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 500; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << i;
    EXPECT_EQ(answer->body, "/" + std::to_string(i));
  }
  EXPECT_EQ(most, 1);  // one request of a connection at a time
}

TEST(HttpServer, AcceptsPipelinedRequestsWhileOneIsHeld) {
  Held first;
  bool held = false;
  TestServer server([&](Request request, Responder responder) {
    if (request.path == "/held" && !std::exchange(held, true)) return first.handler()(std::move(request), responder);
    echo(request, responder);
  });
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  first.request();
  // More than the server buffers meanwhile, so it has to stop and resume reading.
  std::string requests;
  const int count = 3000;
  for (int i = 0; i < count; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(client.send(requests));
  server.on_loop([&] { first.responder().send(text("first")); });
  EXPECT_EQ(client.receive()->body, "first");
  for (int i = 0; i < count; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << i;
    ASSERT_EQ(answer->body, "GET /" + std::to_string(i) + " ");
  }
}

TEST(HttpServer, BuffersOnlySoMuchBehindAHeldRequest) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  held.request();
  const std::size_t much = 64 * 1024 * 1024;
  EXPECT_LT(client.send_until_stuck(much, milliseconds(300)), much);
}

TEST(HttpServer, TellsOfAClientThatClosesWhileItsRequestIsHeld) {
  for (const bool reset : {false, true}) {
    Held held;
    TestServer server(held.handler());
    TestClient client(server.port());
    ASSERT_TRUE(client.send(kGet));
    held.request();
    reset ? client.reset() : client.close();
    EXPECT_TRUE(held.gone());
    EXPECT_TRUE(server.on_loop([&] { return held.responder().gone(); }));
    EXPECT_TRUE(server.await_connections(0));
    Awaited<bool> written;
    server.on_loop([&] { held.responder().send(text("late"), [&](bool whole) { written.set(whole); }); });
    EXPECT_FALSE(written.get());
  }
}

TEST(HttpServer, NoticesTheClosePromptly) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet + "GET /next HTTP/1.1\r\n"));  // with a part of another request behind it
  held.request();
  const auto start = std::chrono::steady_clock::now();
  client.close();
  EXPECT_TRUE(held.gone());
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(100));
}

TEST(HttpServer, TellsThatTheAnswerWasWritten) {
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port());
  ASSERT_TRUE(client.send(kGet));
  held.request();
  Awaited<bool> written;
  server.on_loop([&] { held.responder().send(text("now"), [&](bool whole) { written.set(whole); }); });
  EXPECT_TRUE(written.get());
  EXPECT_EQ(client.receive()->body, "now");
  client.close();
  EXPECT_TRUE(server.await_connections(0));
  EXPECT_FALSE(held.gone(milliseconds(0)));
  EXPECT_FALSE(server.on_loop([&] { return held.responder().gone(); }));
}

TEST(HttpServer, TellsThatTheAnswerWasNotWritten) {
  // Far more than the socket buffers hold, and the client leaves in the middle.
  Held held;
  TestServer server(held.handler());
  TestClient client(server.port(), 4096);
  ASSERT_TRUE(client.send(kGet));
  held.request();
  Awaited<bool> written;
  server.on_loop([&] {
    held.responder().send(text(std::string(64 * 1024 * 1024, 'x')), [&](bool whole) { written.set(whole); });
  });
  std::string some;
  ASSERT_TRUE(client.receive_bytes(1000, some));
  EXPECT_FALSE(written.arrives(milliseconds(0)));
  client.reset();
  EXPECT_FALSE(written.get());
  EXPECT_TRUE(server.await_connections(0));
}

TEST(HttpServer, ACloseWhileTheAnswerIsWrittenCountsAsNotWritten) {
  Awaited<bool> written;
  const std::string body(64 * 1024 * 1024, 'x');
  TestServer server(
      [&](Request, Responder responder) { responder.send(text(body), [&](bool whole) { written.set(whole); }); });
  TestClient client(server.port(), 4096);
  ASSERT_TRUE(client.send(kGet));
  std::string some;
  ASSERT_TRUE(client.receive_bytes(1, some));
  client.shutdown_send();
  const auto rest = client.receive_to_end();
  ASSERT_TRUE(rest.has_value());
  EXPECT_GT(rest->size(), body.size());  // it was finished all the same
  EXPECT_FALSE(written.get());
}

TEST(HttpServer, WritesLargeAnswersWhole) {
  const std::string body(20 * 1024 * 1024, 'y');
  TestServer server([&](Request, Responder responder) { responder.send(text(body)); });
  TestClient client(server.port(), 4096);
  const auto answer = client.exchange("GET", "/");
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->body == body);
}

TEST(HttpServer, AnswersForADroppedRequest) {
  TestServer server([](Request request, Responder) {
    if (request.path == "/throw") throw std::runtime_error("handler failed");
  });
  TestClient client(server.port());
  for (const char* path : {"/drop", "/throw"}) {
    const auto answer = client.exchange("GET", path);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 500);
    EXPECT_EQ(answer->body, R"({"error":"internal error: the request was dropped without an answer"})");
    EXPECT_EQ(answer->headers.at("content-type"), "application/json");
  }
}

TEST(HttpServer, ReadsChunkedBodies) {
  TestServer server(echo);
  TestClient client(server.port());
  const std::string head = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  ASSERT_TRUE(client.send(head + "5\r\nhel"));
  ASSERT_TRUE(client.send("lo\r\n0"));
  ASSERT_TRUE(client.send("\r\n\r\n" + head + "3\r\nabc\r\n0\r\n\r\n"));
  EXPECT_EQ(client.receive()->body, "POST /c hello");
  EXPECT_EQ(client.receive()->body, "POST /c abc");
}

TEST(HttpServer, ReadsLargeBodiesOfEitherKind) {
  std::string body;
  for (int i = 0; body.size() < 8'000'000; ++i) body += std::to_string(i);
  TestServer server(
      [&](Request request, Responder responder) { responder.send(text(std::to_string(request.body == body))); });
  TestClient client(server.port());
  EXPECT_EQ(client.exchange("POST", "/", body)->body, "1");
  std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += 0x1000) {
    const std::string piece = body.substr(at, 0x1000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunked += size + piece + "\r\n";
  }
  ASSERT_TRUE(client.send(chunked + "0\r\n\r\n"));
  EXPECT_EQ(client.receive()->body, "1");
}

TEST(HttpServer, HonoursExpectContinue) {
  HttpLimits limits;
  limits.body_bytes_max = 10;
  TestServer server(echo, limits);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  const auto go_on = client.receive();
  ASSERT_TRUE(go_on.has_value());
  EXPECT_EQ(go_on->status, 100);
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive()->body, "POST /e hello");
  // A body that comes unasked needs no permission, and one that is too large gets none.
  ASSERT_TRUE(client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(client.receive()->body, "POST /e hi");
  ASSERT_TRUE(client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nh"));
  ASSERT_TRUE(client.send("o"));
  EXPECT_EQ(client.receive()->body, "POST /e ho");
  ASSERT_TRUE(client.send("POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"));
  EXPECT_EQ(client.receive()->status, 413);
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  TestServer server(echo);
  TestClient client(server.port());
  const auto answer = client.exchange("HEAD", "/h");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->headers.at("content-length"), "8");
  EXPECT_EQ(client.exchange("GET", "/g")->body, "GET /g ");  // nothing of the other was left over
}

TEST(HttpServer, AnswersWithoutContentForStatus204) {
  TestServer server([](Request, Responder responder) {
    Response response;
    response.status = 204;
    response.body = "not sent";
    response.headers = {{"X-Note", "a\r\nb: c"}};
    responder.send(std::move(response));
  });
  TestClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.exchange("GET", "/");
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 204);
    EXPECT_EQ(answer->reason, "No Content");
    EXPECT_EQ(answer->headers, (std::map<std::string, std::string>{{"x-note", "a  b: c"}}));
  }
}

TEST(HttpServer, ClosesWhenTheClientAsksForIt) {
  TestServer server(echo);
  for (const char* request : {"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /x HTTP/1.0\r\n\r\n"}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.send(request));
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, "GET /x ");
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_EQ(client.receive_to_end(), "");
  }
}

TEST(HttpServer, KeepsAnHttp10ConnectionThatAsksForIt) {
  TestServer server(echo);
  TestClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->headers.at("connection"), "keep-alive");
  }
}

TEST(HttpServer, AnswersAClientThatSendsNoMore) {
  TestServer server(echo);
  TestClient client(server.port());
  ASSERT_TRUE(client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"));
  client.shutdown_send();
  EXPECT_EQ(client.receive()->body, "GET /1 ");
  EXPECT_EQ(client.receive()->body, "GET /2 ");
  EXPECT_EQ(client.receive_to_end(), "");
}

TEST(HttpServer, HoldsManyRequests) {
  std::vector<Responder> held;
  Awaited<bool> all;
  const std::size_t count = 400;
  TestServer server([&](Request, Responder responder) {
    held.push_back(std::move(responder));
    if (held.size() == count) all.set(true);
  });
  std::vector<std::unique_ptr<TestClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    ASSERT_TRUE(clients.back()->send(kGet));
  }
  ASSERT_TRUE(all.get());
  server.on_loop([&] {
    for (Responder& responder : held) responder.send(text("done"));
    held.clear();
  });
  for (const auto& client : clients) EXPECT_EQ(client->receive()->body, "done");
}

TEST(HttpServer, ListensOnlyWhereItCan) {
  Loop loop;
  HttpServer server(loop, {}, echo);
  const auto port = server.listen("localhost", 0);
  ASSERT_TRUE(port.has_value());
  EXPECT_NE(*port, 0);
  HttpServer second(loop, {}, echo);
  const auto taken = second.listen("127.0.0.1", *port);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, Errc::unavailable);
  EXPECT_EQ(taken.error().message, "cannot listen on 127.0.0.1:" + std::to_string(*port) + ": Address already in use");
  const auto wrong = second.listen("example.org", 80);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, Errc::invalid);
  const auto foreign = second.listen("192.0.2.1", 0);
  ASSERT_FALSE(foreign.has_value());
  EXPECT_EQ(foreign.error().code, Errc::unavailable);
}

TEST(HttpServer, StopsGracefully) {
  Held held;
  TestServer server([&](Request request, Responder responder) {
    if (request.path == "/held") return held.handler()(std::move(request), std::move(responder));
    echo(std::move(request), std::move(responder));
  });
  TestClient idle(server.port());
  ASSERT_TRUE(idle.exchange("GET", "/").has_value());
  TestClient busy(server.port());
  ASSERT_TRUE(busy.send(kGet));
  held.request();
  TestClient half(server.port());  // in the middle of its body
  ASSERT_TRUE(half.send("POST /half HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
  ASSERT_EQ(half.receive()->status, 100);

  Awaited<bool> done;
  server.on_loop([&] { server.server().stop([&] { done.set(true); }); });
  EXPECT_EQ(idle.receive_to_end(), "");
  EXPECT_TRUE(server.await_connections(2));
  EXPECT_FALSE(done.arrives(milliseconds(0)));

  ASSERT_TRUE(half.send("rest"));
  const auto finished = half.receive();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->body, "POST /half rest");
  EXPECT_EQ(finished->headers.at("connection"), "close");
  EXPECT_EQ(half.receive_to_end(), "");

  server.on_loop([&] { held.responder().send(text("last")); });
  const auto answer = busy.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "last");
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_EQ(busy.receive_to_end(), "");
  EXPECT_TRUE(done.get());
}

TEST(HttpServer, StopsAtOnceWhenNothingIsOpen) {
  TestServer server(echo);
  Awaited<bool> done;
  server.on_loop([&] { server.server().stop([&] { done.set(true); }); });
  EXPECT_TRUE(done.get());
}

TEST(HttpServer, StopNowDropsWhatIsLeft) {
  Held held;
  TestServer server(held.handler());
  TestClient busy(server.port());
  ASSERT_TRUE(busy.send(kGet));
  held.request();
  Awaited<bool> done;
  server.on_loop([&] {
    server.server().stop([&] { done.set(true); });
    server.server().stop_now();
  });
  EXPECT_TRUE(held.gone());
  EXPECT_TRUE(done.get());
  EXPECT_EQ(busy.receive_to_end(), "");
}

}  // namespace
}  // namespace penstock::net
