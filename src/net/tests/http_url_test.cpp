#include "net/http_url.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(HttpUrl, IsTakenApart) {
  const auto url = parse_http_url("HTTPS://Hooks.Example.ORG:8443/a%20b/?x=1&y=%2F#part");
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "hooks.example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->authority, "hooks.example.org:8443");
  EXPECT_EQ(url->target, "/a%20b/?x=1&y=%2F");

  const auto bare = parse_http_url("http://example.org");
  ASSERT_TRUE(bare.has_value());
  EXPECT_FALSE(bare->tls);
  EXPECT_EQ(bare->port, 80);
  EXPECT_EQ(bare->authority, "example.org");
  EXPECT_EQ(bare->target, "/");
  EXPECT_EQ(parse_http_url("https://example.org?q")->target, "/?q");
  EXPECT_EQ(parse_http_url("https://example.org")->port, 443);

  const auto v6 = parse_http_url("http://[::1]:81/x");
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->authority, "[::1]:81");
}

TEST(HttpUrl, RefusesWhatIsNoSuchUrlAndSaysWhy) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "is not a URL"},
      {"example.org/x", "is not a URL"},
      {"/x", "is not a URL"},
      {"http://", "is not a URL"},
      {"http:///x", "is not a URL"},
      {"http://a b/", "is not a URL"},
      {"http://example.org/a b", "is not a URL"},
      {"http://example.org/\n", "is not a URL"},
      {"ftp://example.org/", "is not http or https"},
      {"file:///etc/passwd", "is not a URL"},
      {"gopher://example.org/", "is not http or https"},
      {"http://user@example.org/", "has a user name or password"},
      {"http://user:word@example.org/", "has a user name or password"},
      {"http://@example.org/", "has a user name or password"},
      {"http://example.org:0/", "has a port"},
      {"http://example.org:65536/", "has a port"},
      {"http://example.org:99999999999/", "has a port"},
      {"http://exa%2fmple.org/", "has a host"},
      {"http://exa%00mple.org/", "has a host"},
      {"http://b\xc3\xbc"
       "cher.example/",
       "is not a URL"},
  };
  for (const auto& one : cases) {
    const auto url = parse_http_url(one.text);
    ASSERT_FALSE(url.has_value()) << one.text;
    EXPECT_EQ(url.error().code, Errc::invalid);
    EXPECT_NE(url.error().message.find(one.why), std::string::npos) << one.text << ": " << url.error().message;
  }
  EXPECT_FALSE(parse_http_url("http://" + std::string(254, 'a') + "/").has_value());
}

TEST(HttpUrl, AnEscapedHostIsTheHostThatItMeans) {
  const auto url = parse_http_url("http://%31%32%37.0.0.1/");
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_EQ(url->host, "127.0.0.1");
}

TEST(HttpUrl, KnowsAddressesFromNames) {
  for (const char* text : {"127.0.0.1", "::1", "fe80::1", "2001:db8::1"}) EXPECT_TRUE(is_address(text)) << text;
  // The system's look-up takes these for addresses; so they are names here, and what they come to is checked then.
  for (const char* text : {"localhost", "127.1", "2130706433", "0x7f.1", "example.org"}) {
    EXPECT_FALSE(is_address(text)) << text;
  }
}

}  // namespace
}  // namespace penstock::net
