#include <gtest/gtest.h>

#include <atomic>

#include "net/http_client.h"
#include "net/tests/test_server.h"
#include "net/tests/tls_server.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

AddressRules rules(bool allow_private) {
  return *AddressRules::make(allow_private, "");
}

/// An HttpClient with its loop on a thread of its own.
class Rig {
 public:
  explicit Rig(HttpClientOptions options = {rules(true), {}}) {
    auto made = HttpClient::make(loop_, std::move(options));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    client_ = std::move(*made);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Rig() {
    drop_client();
    loop_.stop();
    thread_.join();
  }

  void send(ClientRequest request, HttpClient::Done done) {
    on_loop([&] { client_->send([request = std::move(request)] { return request; }, std::move(done)); });
  }
  Result<ClientResponse> exchange(ClientRequest request) {
    Awaited<Result<ClientResponse>> answer;
    send(std::move(request), [&](Result<ClientResponse> result) { answer.set(std::move(result)); });
    return answer.get();
  }
  void hurry(milliseconds within) {
    on_loop([&] { client_->hurry(within); });
  }
  void drop_client() {
    on_loop([&] { client_.reset(); });
  }

 private:
  template <class Work>
  void on_loop(Work work) {
    Awaited<bool> done;
    loop_.post([&] {
      work();
      done.set(true);
    });
    ASSERT_TRUE(done.arrives());
  }

  Loop loop_;
  std::unique_ptr<HttpClient> client_;
  std::thread thread_;
};

ClientRequest post(const std::string& url, std::string body = "body") {
  ClientRequest request;
  request.method = "POST";
  request.url = url;
  request.body = std::move(body);
  request.timeout = milliseconds(20'000);
  return request;
}

std::string at(std::uint16_t port, const std::string& host = "127.0.0.1", const std::string& scheme = "http") {
  return scheme + "://" + host + ":" + std::to_string(port) + "/hook";
}

TEST(BackgroundClient, PostsAndHandsTheAnswerToTheLoop) {
  TestServer server(echo);
  Rig rig;
  const auto answer = rig.exchange(post(at(server.port()), "text"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /hook text");
  const auto by_name = rig.exchange(post(at(server.port(), "localhost"), "text"));
  ASSERT_TRUE(by_name.has_value()) << by_name.error().message;
}

TEST(BackgroundClient, ManyAtOnceAllComeBack) {
  TestServer server(echo);
  Rig rig;
  constexpr int kMany = 200;
  std::atomic<int> left = kMany;
  Awaited<bool> all;
  for (int i = 0; i < kMany; ++i) {
    rig.send(post(at(server.port(), "localhost"), std::to_string(i)), [&, i](Result<ClientResponse> result) {
      EXPECT_TRUE(result.has_value());
      if (result) EXPECT_EQ(result->body, "POST /hook " + std::to_string(i));
      if (--left == 0) all.set(true);
    });
  }
  EXPECT_TRUE(all.arrives());
}

TEST(BackgroundClient, RefusesMoreAtOnceThanItsBound) {
  Held held;
  TestServer server(held.handler());
  Rig rig({rules(true), {}, 1});
  rig.send(post(at(server.port())), [](Result<ClientResponse>) {});
  const auto second = rig.exchange(post(at(server.port())));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::busy);
}

TEST(BackgroundClient, ChecksTheAddressThatANameComesTo) {
  TestServer server(echo);
  Rig rig({rules(false), {}});
  // The last three are spellings of 127.0.0.1 that only the system's look-up takes for an address.
  for (const char* host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "127.1", "2130706433", "0x7f.1"}) {
    const auto answer = rig.exchange(post(at(server.port(), host)));
    ASSERT_FALSE(answer.has_value()) << host;
    EXPECT_EQ(answer.error().code, Errc::forbidden) << host << ": " << answer.error().message;
    EXPECT_NE(answer.error().message.find("is a loopback address"), std::string::npos) << answer.error().message;
  }
}

TEST(BackgroundClient, DoesNotFollowRedirects) {
  std::atomic<int> requests = 0;
  TestServer server([&](Request, Responder responder) {
    ++requests;
    Response response;
    response.status = 302;
    response.headers = {{"Location", "/elsewhere"}};
    responder.send(std::move(response));
  });
  Rig rig;
  const auto answer = rig.exchange(post(at(server.port())));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(requests, 1);
}

TEST(BackgroundClient, SaysWhatWentWrong) {
  std::uint16_t free_port = 0;
  {
    TestServer server(echo);
    free_port = server.port();
  }
  Rig rig;
  const auto refused = rig.exchange(post(at(free_port)));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "cannot connect to 127.0.0.1:" + std::to_string(free_port) + ": Connection refused");
  const auto unknown = rig.exchange(post("http://no-such-host.invalid/"));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().message.find("cannot find no-such-host.invalid"), 0u) << unknown.error().message;
}

TEST(BackgroundClient, GivesUpInTime) {
  Held held;
  TestServer server(held.handler());
  Rig rig;
  ClientRequest request = post(at(server.port()));
  request.timeout = milliseconds(50);
  const auto answer = rig.exchange(std::move(request));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message, "no answer from 127.0.0.1:" + std::to_string(server.port()) + " in time");
  EXPECT_TRUE(held.gone());
}

TEST(BackgroundClient, TakesTheStatusOfAnAnswerThatNeverEnds) {
  TestServer server([held = std::make_shared<Responder>()](Request, Responder responder) {
    *held = std::move(responder);
    Response response;
    response.status = 202;
    response.body = "first";
    held->begin(std::move(response));
  });
  Rig rig;
  ClientRequest request = post(at(server.port()));
  request.timeout = milliseconds(200);
  request.may_cut_answer = true;
  const auto answer = rig.exchange(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "first");

  request.may_cut_answer = false;
  EXPECT_FALSE(rig.exchange(request).has_value());
}

TEST(BackgroundClient, BoundsTheAnswer) {
  TestServer server([](Request, Responder responder) {
    Response response;
    response.body.assign(1'000'000, 'x');
    responder.send(std::move(response));
  });
  Rig rig;
  ClientRequest request = post(at(server.port()));
  request.answer_bytes_max = 1'000;
  const auto refused = rig.exchange(request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::too_large);
  request.may_cut_answer = true;
  const auto cut = rig.exchange(request);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->body.size(), 1'000u);
}

TEST(BackgroundClient, HurriesWhenItIsToEnd) {
  Held held;
  TestServer server(held.handler());
  Rig rig;
  Awaited<Result<ClientResponse>> answer;
  rig.send(post(at(server.port())), [&](Result<ClientResponse> result) { answer.set(std::move(result)); });
  held.request();
  rig.hurry(milliseconds(20));
  EXPECT_FALSE(answer.get().has_value());
}

TEST(BackgroundClient, EndsWithExchangesUnderWay) {
  Held held;
  TestServer server(held.handler());
  Rig rig;
  std::atomic<bool> called = false;
  rig.send(post(at(server.port())), [&](Result<ClientResponse>) { called = true; });
  held.request();
  rig.drop_client();
  EXPECT_TRUE(held.gone());
  EXPECT_FALSE(called);
}

// ---------------------------------------------------------------- TLS

TEST(BackgroundClient, SpeaksTlsWithAHostItTrusts) {
  TlsServer server("localhost");
  Rig rig({rules(true), server.ca_file()});
  const auto answer = rig.exchange(post(at(server.port(), "localhost", "https"), "sealed"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "localhost sealed");
  const std::string large(500'000, 'x');
  const auto second = rig.exchange(post(at(server.port(), "localhost", "https"), large));
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ(second->body, "localhost " + large);
}

TEST(BackgroundClient, SpeaksTlsWithAnAddress) {
  TlsServer server("127.0.0.1");
  Rig rig({rules(true), server.ca_file()});
  const auto answer = rig.exchange(post(at(server.port(), "127.0.0.1", "https"), "sealed"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "(none) sealed");
}

TEST(BackgroundClient, RefusesACertificateThatNobodyItKnowsSigned) {
  TlsServer server("localhost");
  Rig rig;
  const auto answer = rig.exchange(post(at(server.port(), "localhost", "https")));
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find("its certificate is not trusted"), std::string::npos) << answer.error().message;
}

TEST(BackgroundClient, RefusesACertificateForAnotherHost) {
  TlsServer server("other.example.org");
  Rig rig({rules(true), server.ca_file()});
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto answer = rig.exchange(post(at(server.port(), host, "https")));
    ASSERT_FALSE(answer.has_value());
    EXPECT_NE(answer.error().message.find("its certificate is for another host"), std::string::npos)
        << answer.error().message;
  }
}

TEST(BackgroundClient, SaysWhenTheOtherSideSpeaksNoTls) {
  TestServer server(echo);
  Rig rig;
  const auto answer = rig.exchange(post(at(server.port(), "127.0.0.1", "https")));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message.find("no TLS connection to"), 0u) << answer.error().message;
}

TEST(BackgroundClient, RefusesAFileWithoutCertificates) {
  Loop loop;
  const auto made = HttpClient::make(loop, {rules(true), "/nowhere/ca.pem"});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::invalid);
  EXPECT_NE(made.error().message.find("/nowhere/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace penstock::net
