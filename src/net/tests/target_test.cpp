#include "net/target.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(SplitTarget, DecodesPathAndQuery) {
  const struct {
    std::string target;
    std::string path;
    Fields query;
  } cases[] = {
      {"/", "/", {}},
      {"/v2/abc/run", "/v2/abc/run", {}},
      {"/a%20b/%c3%A9", "/a b/\xc3\xa9", {}},
      {"/a%2Fb/c%2fd", "/a%2Fb/c%2Fd", {}},
      {"/a+b", "/a+b", {}},
      {"//x/../y", "//x/../y", {}},
      {"/p?", "/p", {}},
      {"/p?a=1&b=2&a=3", "/p", {{"a", "1"}, {"b", "2"}, {"a", "3"}}},
      {"/p?a&b=&=c&&d==", "/p", {{"a", ""}, {"b", ""}, {"", "c"}, {"d", "="}}},
      {"/p?q=a+b%2Bc%26d%3D/?", "/p", {{"q", "a b+c&d=/?"}}},
      {"/p?%61=%00", "/p", {{"a", std::string(1, '\0')}}},
      {"http://host:80/p?a=1", "/p", {{"a", "1"}}},
      {"HTTPS://host", "/", {}},
      {"http://host?a=1", "/", {{"a", "1"}}},
      {"*", "*", {}},
  };
  for (const auto& [target, path, query] : cases) {
    std::string found;
    Fields fields;
    ASSERT_TRUE(split_target(target, found, fields).has_value()) << target;
    EXPECT_EQ(found, path) << target;
    EXPECT_EQ(fields, query) << target;
  }
}

TEST(SplitTarget, RefusesMoreParametersThanAnybodyHas) {
  std::string target = "/p?";
  for (int i = 0; i < 256; ++i) target += "a&&";
  std::string path;
  Fields query;
  ASSERT_TRUE(split_target(target, path, query).has_value()) << "what is empty is none";
  EXPECT_EQ(query.size(), 256U);
  query.clear();
  const auto split = split_target(target + "a", path, query);
  ASSERT_FALSE(split.has_value());
  EXPECT_EQ(split.error().message, "the query has too many parameters: at most 256 are accepted");
}

TEST(SplitTarget, RefusesMalformedTargets) {
  for (const char* target : {"", "x", "host:80", "ftp://host/", "/%", "/%2", "/%zz", "/a%", "/?a=%", "/?%1=2",
                             "/?a=%g0", "http:/host/p", "/%-1", "/?a=1&b=%+1"}) {
    std::string path;
    Fields query;
    const auto split = split_target(target, path, query);
    ASSERT_FALSE(split.has_value()) << target;
    EXPECT_EQ(split.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace penstock::net
