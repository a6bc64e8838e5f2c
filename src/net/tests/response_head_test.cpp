#include "net/response_head.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

std::string head(const Response& response, After after = After::keep_open, Framing framing = Framing::length) {
  std::string text;
  append_response_head(text, response, after, framing);
  return text;
}

TEST(ResponseHead, SaysWhatTheBodyIsAndWhereItEnds) {
  Response response;
  response.body = "{}";
  EXPECT_EQ(head(response), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(head(response, After::close, Framing::chunked),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n");
  response.status = 204;
  EXPECT_EQ(head(response, After::keep_open_http_1_0), "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, AnyPageMayReadItWhereThatIsSaid) {
  Response response;
  response.status = 204;
  response.any_origin = true;
  EXPECT_EQ(head(response), "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n");
}

TEST(ResponseHead, AHeaderCannotBecomeTwo) {
  Response response;
  response.status = 204;
  response.headers.emplace_back("X-Said", std::string("a\r\nb\0c", 6));
  EXPECT_EQ(head(response), "HTTP/1.1 204 No Content\r\nX-Said: a  b c\r\n\r\n");
}

}  // namespace
}  // namespace penstock::net
