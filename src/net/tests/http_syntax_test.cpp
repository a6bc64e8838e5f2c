#include "net/http_syntax.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

std::string request_line_fault(std::string_view line) {
  RequestLine parts;
  const auto bad = read_request_line(line, parts);
  return bad ? bad->what : "";
}

TEST(HttpSyntax, TakesARequestLineApart) {
  RequestLine parts;
  ASSERT_FALSE(read_request_line("PATCH /a?b=c HTTP/1.1", parts).has_value());
  EXPECT_EQ(parts.method, "PATCH");
  EXPECT_EQ(parts.target, "/a?b=c");
  EXPECT_FALSE(parts.http_1_0);
  ASSERT_FALSE(read_request_line("x-y /\xc3\xa4 HTTP/1.0", parts).has_value());
  EXPECT_EQ(parts.target, "/\xc3\xa4");
  EXPECT_TRUE(parts.http_1_0);
}

TEST(HttpSyntax, SaysWhichPartOfARequestLineIsBad) {
  for (const char* line : {"", " / HTTP/1.1", "GET", "G(T / HTTP/1.1", "G\tT / HTTP/1.1"}) {
    EXPECT_EQ(request_line_fault(line), "bad method") << line;
  }
  for (const char* line : {"GET ", "GET  HTTP/1.1", "GET \t HTTP/1.1", "GET /\x7f HTTP/1.1"}) {
    EXPECT_EQ(request_line_fault(line), "bad target") << line;
  }
  for (const char* line :
       {"GET /", "GET / ", "GET / HTTP/1.2", "GET / http/1.1", "GET / HTTP/1.1 ", "GET / / HTTP/1.1"}) {
    EXPECT_EQ(request_line_fault(line), "the version is neither HTTP/1.1 nor HTTP/1.0") << line;
  }
}

TEST(HttpSyntax, TakesAHeaderApart) {
  const std::tuple<std::string_view, std::string, std::string> cases[] = {
      {"Host: h", "host", "h"},
      {"X-A:", "x-a", ""},
      {"x_1.~!#: \t a  b\t ", "x_1.~!#", "a  b"},
      {"A::", "a", ":"},
      {"A: \xc3\xa4 B", "a", "\xc3\xa4 B"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZ: Z", "abcdefghijklmnopqrstuvwxyz", "Z"},
      {"!#$%&'*+-.^_`|~0123456789: Z", "!#$%&'*+-.^_`|~0123456789", "Z"},
  };
  for (const auto& [line, name, value] : cases) {
    HeaderLine header;
    std::string copy(line);
    EXPECT_FALSE(read_header(copy, header).has_value()) << line;
    EXPECT_EQ(header.name, name);
    EXPECT_EQ(header.value, value);
  }
}

TEST(HttpSyntax, RefusesABadHeader) {
  const std::string_view with_zero("A: b\0c", 6);
  for (const std::string_view line :
       {std::string_view(": x"), std::string_view("no colon"), std::string_view(" folded: x"),
        std::string_view("A : x"), std::string_view("\xc3\xa4: x"), std::string_view("A: b\rc"),
        std::string_view("A: b\x7f"), with_zero}) {
    HeaderLine header;
    std::string copy(line);
    EXPECT_TRUE(read_header(copy, header).has_value()) << line;
  }
}

TEST(HttpSyntax, FindsAControlCharacterWhereverItStands) {
  const auto takes = [](std::string_view text) {
    HeaderLine header;
    RequestLine parts;
    std::string line = "A:" + std::string(text);
    const bool in_header = !read_header(line, header).has_value();
    const bool in_target = !read_request_line("GET " + std::string(text) + " HTTP/1.1", parts).has_value();
    return std::pair(in_header, in_target);
  };
  using Taken = std::pair<bool, bool>;
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      const auto with = [&](char c) {
        std::string text(size, '/');
        text[at] = c;
        return takes(text);
      };
      for (const char c : {'\x00', '\x01', '\x0a', '\x0d', '\x1f', '\x7f'}) {
        EXPECT_EQ(with(c), (Taken{false, false})) << int{c} << " at " << at << " of " << size;
      }
      for (const char c : {'!', '\x7e', '\x80', '\x9f', '\xff'}) {
        EXPECT_EQ(with(c), (Taken{true, true})) << int{c} << " at " << at << " of " << size;
      }
      EXPECT_EQ(with('\t'), (Taken{true, false})) << at << " of " << size;
    }
  }
}

TEST(HttpSyntax, ReadsTheSizeOfAChunk) {
  EXPECT_EQ(read_chunk_size("1aF"), 0x1afU);
  EXPECT_EQ(read_chunk_size("0;a=\"b c\""), 0U);
  EXPECT_EQ(read_chunk_size("00000000000000000001"), 1U);
  for (const char* text : {"", ";a", "1 ", "1 ;a", "0x1", "-1", "g", "1;a\x01", "10000000000000000"}) {
    EXPECT_FALSE(read_chunk_size(text).has_value()) << text;
  }
}

TEST(HttpSyntax, FindsWordsInAnyCase) {
  EXPECT_TRUE(is_word("100-Continue", "100-continue"));
  EXPECT_FALSE(is_word("100-continued", "100-continue"));
  EXPECT_FALSE(is_word("", "close"));
  EXPECT_TRUE(lists_word("close", "close"));
  EXPECT_TRUE(lists_word("x, CLOSE\t,", "close"));
  EXPECT_TRUE(lists_word(",,close", "close"));
  for (const char* list : {"", ",", "clos", "close d", "not-close", "\"close\""}) {
    EXPECT_FALSE(lists_word(list, "close")) << list;
  }
}

}  // namespace
}  // namespace penstock::net
