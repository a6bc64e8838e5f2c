#include "net/request_reader.h"

#include <gtest/gtest.h>

#include <optional>

namespace penstock::net {
namespace {

using State = RequestReader::State;

/// Gives the reader the bytes in pieces of one size, as a connection would: what was not taken comes again.
std::size_t feed(RequestReader& reader, std::string_view bytes, std::size_t piece) {
  std::size_t start = 0;
  for (std::size_t end = piece; start < bytes.size(); end += piece) {
    start += reader.put(bytes.substr(start, std::min(end, bytes.size()) - start));
    const bool over = reader.state() == State::complete || reader.state() == State::refused;
    if (over || end >= bytes.size()) break;
  }
  return start;
}

const HttpLimits kLimits;
const HttpServer::BodyLimit kNoBodyLimit;

int status_of(std::string_view bytes, std::size_t piece, const HttpLimits& limits = kLimits) {
  RequestReader reader(limits, kNoBodyLimit);
  feed(reader, bytes, piece);
  if (reader.state() == State::refused) return reader.refusal().status;
  return reader.state() == State::complete ? 200 : 0;
}

constexpr std::size_t kPieces[] = {1, 2, 3, 7, 64, 100'000};

TEST(RequestReader, ReadsARequestHoweverItArrives) {
  const std::string text =
      "POST /a%20b/c?x=1&y=2+3 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one:  two \r\nContent-Length: 5\r\n\r\nhello";
  for (const std::size_t piece : kPieces) {
    RequestReader reader(kLimits, kNoBodyLimit);
    EXPECT_EQ(feed(reader, text + "GET ", piece), text.size());
    ASSERT_EQ(reader.state(), State::complete);
    EXPECT_TRUE(reader.keep_alive());
    const Request& request = reader.request();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a b/c");
    EXPECT_EQ(request.query, (Fields{{"x", "1"}, {"y", "2 3"}}));
    EXPECT_EQ(request.headers, (Fields{{"host", "h"}, {"x-one", "1"}, {"x-one", "two"}, {"content-length", "5"}}));
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(request.header("x-one"), "1");
    EXPECT_EQ(request.header("x-two"), "");
    EXPECT_EQ(request.query_value("y"), "2 3");
    EXPECT_EQ(request.query_value("z"), std::nullopt);
  }
}

TEST(RequestReader, LeavesNothingOfARequestForTheNextOne) {
  std::size_t arriving = 0;
  RequestReader reader(kLimits, kNoBodyLimit, &arriving);
  const std::string first =
      "POST /one?a=1&b=2 HTTP/1.0\r\nX-Key: secret\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc";
  const std::string chunked =
      "PUT /two HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nxy\r\n0\r\n\r\n";
  for (const std::string& before : {first, chunked, std::string("GET /one HTTP/1.1\r\nHos"), std::string("x\x01")}) {
    feed(reader, before, 1000);
    reader.reset();
    EXPECT_EQ(arriving, 0U);
    ASSERT_EQ(reader.state(), State::head);
    const std::string text = "GET /three HTTP/1.1\r\nHost: i\r\nX-Two: 2\r\n\r\n";
    EXPECT_EQ(feed(reader, text + "more", 1000), text.size());
    ASSERT_EQ(reader.state(), State::complete) << before;
    EXPECT_TRUE(reader.keep_alive());
    EXPECT_FALSE(reader.http_1_0());
    EXPECT_FALSE(reader.expects_continue());
    EXPECT_EQ(reader.spooled_bytes(), 0U);
    const Request& request = reader.request();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/three");
    EXPECT_EQ(request.query, Fields());
    EXPECT_EQ(request.headers, (Fields{{"host", "i"}, {"x-two", "2"}}));
    EXPECT_EQ(request.body, "");
    reader.reset();
  }
}

TEST(RequestReader, KeepsOnlySmallMemoryForTheNextRequest) {
  RequestReader reader(kLimits, kNoBodyLimit);
  const std::string large(20'000, 'x');
  feed(reader,
       "POST /" + large.substr(0, 8'000) + "?" + large.substr(0, 8'000) +
           " HTTP/1.1\r\nHost: h\r\nX: " + large.substr(0, 8'000) + "\r\nContent-Length: 20000\r\n\r\n" + large,
       100'000);
  ASSERT_EQ(reader.state(), State::complete);
  reader.reset();
  feed(reader, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 1000);
  ASSERT_EQ(reader.state(), State::complete);
  const Request& request = reader.request();
  EXPECT_LE(request.path.capacity() + request.body.capacity() + request.query.memory() + request.headers.memory(),
            16'384U);
}

TEST(RequestReader, ReadsChunkedBodies) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n1;name=\"v\"\r\n \r\nA\r\n0123456789\r\n0\r\nX-Trailer: ignored\r\n\r\n";
  for (const std::size_t piece : kPieces) {
    RequestReader reader(kLimits, kNoBodyLimit);
    EXPECT_EQ(feed(reader, text + "more", piece), text.size());
    ASSERT_EQ(reader.state(), State::complete) << piece;
    const Request& request = reader.request();
    EXPECT_EQ(request.body, "hello 0123456789");
    EXPECT_EQ(request.header("x-trailer"), "");
  }
}

TEST(RequestReader, ReadsAnEmptyChunkedBody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::size_t piece : kPieces) {
    EXPECT_EQ(status_of(head + "0\r\n\r\n", piece), 200) << piece;
    EXPECT_EQ(status_of(head + "0\r\nX: y\r\n\r\n", piece), 200) << piece;
    EXPECT_EQ(status_of(head + "000;x\r\n\r\n", piece), 200) << piece;
    EXPECT_EQ(status_of(head + "0\r\n", piece), 0) << piece;
  }
}

TEST(RequestReader, RefusesMalformedRequests) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string host = "Host: h\r\n";
  const std::pair<std::string, int> cases[] = {
      {"\x16\x03\x01\x02 hello, TLS\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1 \r\n" + host + "\r\n", 400},
      {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /?a=%f HTTP/1.1\r\n" + host + "\r\n", 400},
      {"CONNECT host:1 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\x01\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5x\r\n\r\nhello", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Expect: a miracle\r\nContent-Length: 1\r\n\r\nx", 417},
      {chunked + "x\r\n\r\n", 400},
      {chunked + "5\r\nhelloworld\r\n", 400},
      {chunked + "fffffffffffffffff\r\n", 400},
      {chunked + "ffffffffffffffff\r\n", 413},
      {chunked + "5 ;\r\nhello", 400},
  };
  for (const auto& [text, status] : cases) {
    for (const std::size_t piece : kPieces) EXPECT_EQ(status_of(text, piece), status) << text << " in " << piece;
  }
  EXPECT_EQ(status_of("\x16\x03\x01\x02", 1000), 400) << "TLS has no line that could end";
  // In pieces, it waits for a proper end of line until the head's time is up.
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: h\n\n", 1000), 400);
}

TEST(RequestReader, LimitsTheHead) {
  HttpLimits limits;
  limits.header_bytes_max = 200;
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string fits = start + "a: " + std::string(200 - start.size() - 7, 'x') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), 200U);
  std::string many = start;
  while (many.size() < 250) many += "a: b\r\n";
  for (const std::size_t piece : kPieces) {
    EXPECT_EQ(status_of(fits, piece, limits), 200) << piece;
    EXPECT_EQ(status_of(start + "a: x" + fits.substr(start.size() + 3), piece, limits), 431) << piece;
    EXPECT_EQ(status_of("GET /" + std::string(250, 'x'), piece, limits), 431) << piece;
    EXPECT_EQ(status_of(many, piece, limits), 431) << piece;
    EXPECT_EQ(status_of(many + "\r\n", piece, limits), 431) << piece;
  }
  std::string headers = start;
  for (int i = 0; i < 300; ++i) headers += "a:\r\n";
  EXPECT_EQ(status_of(headers + "\r\n", 100'000), 431);
}

TEST(RequestReader, LimitsTheBody) {
  HttpLimits limits;
  limits.body_bytes_max = 10;
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const std::size_t piece : kPieces) {
    EXPECT_EQ(status_of(post + "Content-Length: 10\r\n\r\n0123456789", piece, limits), 200);
    EXPECT_EQ(status_of(post + "Content-Length: 11\r\n\r\n", piece, limits), 413);
    const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n";
    EXPECT_EQ(status_of(chunked + "4\r\n6789\r\n0\r\n\r\n", piece, limits), 200);
    EXPECT_EQ(status_of(chunked + "5\r\n", piece, limits), 413);
  }
  RequestReader reader(limits, kNoBodyLimit);
  feed(reader, post + "Content-Length: 11\r\n\r\n", 1000);
  EXPECT_EQ(reader.refusal().message, "the request body is too large: at most 10 bytes are accepted");
}

TEST(RequestReader, AsksForTheBodyLimitOfEachRequest) {
  const HttpServer::BodyLimit ask = [](const Request& request) {
    const bool known = request.method == "POST" && request.header("x-key") == "k";
    return known && request.path == "/big" ? std::size_t{100} : std::size_t{3};
  };
  const auto state = [&](const std::string& path) {
    RequestReader reader(kLimits, ask);
    feed(reader, "POST " + path + " HTTP/1.1\r\nHost: h\r\nX-Key: k\r\nContent-Length: 5\r\n\r\nhello", 1000);
    return reader.state();
  };
  EXPECT_EQ(state("/big"), State::complete);
  EXPECT_EQ(state("/small"), State::refused);
}

TEST(RequestReader, TakesABodyThatIsSmallEnoughUnasked) {
  HttpLimits limits;
  limits.body_bytes_unasked = 5;
  int asked = 0;
  const HttpServer::BodyLimit ask = [&](const Request&) {
    ++asked;
    return std::size_t{8};
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const auto asked_for = [&](const std::string& rest, State state) {
    asked = 0;
    RequestReader reader(limits, ask);
    feed(reader, post + rest, 1000);
    EXPECT_EQ(reader.state(), state) << rest;
    return asked;
  };
  EXPECT_EQ(asked_for("Content-Length: 5\r\n\r\nhello", State::complete), 0);
  EXPECT_EQ(asked_for("Content-Length: 6\r\n\r\nhello!", State::complete), 1);
  EXPECT_EQ(asked_for("Content-Length: 9\r\n\r\n", State::refused), 1);
  EXPECT_EQ(asked_for("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", State::complete), 1)
      << "its size is not announced";
}

TEST(RequestReader, BoundsChunkHeadersAndTrailers) {
  HttpLimits limits;
  limits.header_bytes_max = 200;
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::size_t piece : kPieces) {
    EXPECT_EQ(status_of(chunked + "1;" + std::string(300, 'x'), piece, limits), 400) << piece;
    EXPECT_EQ(status_of(chunked + "0\r\nx: " + std::string(300, 'x'), piece, limits), 400) << piece;
  }
}

TEST(RequestReader, KnowsWhatTheClientWantsOfTheConnection) {
  const struct {
    std::string text;
    bool keep_alive;
    bool http_1_0;
    bool expects_continue;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, false, false},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false, false, false},
      {"GET / HTTP/1.0\r\n\r\n", false, true, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true, false},
      {"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n", true, false, true},
      {"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false, true, false},
  };
  for (const auto& [text, keep_alive, http_1_0, expects_continue] : cases) {
    RequestReader reader(kLimits, kNoBodyLimit);
    feed(reader, text, 1000);
    ASSERT_EQ(reader.state(), State::complete) << text;
    EXPECT_EQ(reader.keep_alive(), keep_alive) << text;
    EXPECT_EQ(reader.http_1_0(), http_1_0) << text;
    EXPECT_EQ(reader.expects_continue(), expects_continue) << text;
  }
  RequestReader reader(kLimits, kNoBodyLimit);
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  feed(reader, head, 1000);
  EXPECT_TRUE(reader.expects_continue());
  feed(reader, "x", 1000);  // it does not wait any more
  EXPECT_FALSE(reader.expects_continue());
}

}  // namespace
}  // namespace penstock::net
