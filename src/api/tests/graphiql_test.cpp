#include "api/graphql/graphiql.h"

#include <gtest/gtest.h>

#include "api/auth/keys.h"
#include "api/graphql/graphiql_bundle.h"

namespace penstock::api {
namespace {

constexpr std::string_view kChrome =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

net::Request request(std::string method, std::string_view accept = {}) {
  net::Request made;
  made.method = std::move(method);
  if (!accept.empty()) made.headers.add("accept", accept);
  return made;
}

std::string header(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

struct GraphiqlTest : testing::Test {
  void SetUp() override { ASSERT_TRUE(ready); }

  const bool ready = init_crypto();
  Graphiql graphiql;
};

TEST_F(GraphiqlTest, a_browser_wants_the_page) {
  for (const std::string_view accept : {kChrome, std::string_view("text/html"), std::string_view("Text/HTML;level=1"),
                                        std::string_view("application/json;q=0.5, text/html;q=0.9")}) {
    EXPECT_TRUE(Graphiql::wanted_by(request("GET", accept))) << accept;
  }
}

TEST_F(GraphiqlTest, a_program_does_not) {
  for (const std::string_view accept :
       {"", "*/*", "application/json", "application/json, text/html", "text/event-stream", "text/html;q=0",
        "text/html;q=0.8, application/graphql-response+json", "text/plain", "text/*"}) {
    EXPECT_FALSE(Graphiql::wanted_by(request("GET", accept))) << accept;
  }
  EXPECT_FALSE(Graphiql::wanted_by(request("POST", kChrome)));
  net::Request operation = request("GET", kChrome);
  operation.query.add("query", "{ __typename }");
  EXPECT_FALSE(Graphiql::wanted_by(operation));
}

TEST_F(GraphiqlTest, the_page_and_all_that_it_names_are_here) {
  const net::Response page = graphiql.page(request("GET", kChrome));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(page, "Vary"), "Accept");
  for (const std::string name : {"graphiql.js", "graphiql.css"}) {
    EXPECT_NE(page.body.find("\"/graphql/" + name + "\""), std::string::npos) << name;
    EXPECT_GT(graphiql.file(request("GET"), name).body.size(), 10'000U) << name;
  }
  EXPECT_EQ(page.body.find("=\"http"), std::string::npos) << "names nobody else";
}

TEST_F(GraphiqlTest, names_and_content_types) {
  EXPECT_EQ(graphiql.file(request("GET"), "graphiql.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(graphiql.file(request("GET"), "graphiql.css").content_type, "text/css; charset=utf-8");
  EXPECT_NE(graphiql.file(request("GET"), "licenses.txt").body.find("==== graphiql "), std::string::npos);
  for (const std::string_view name : {"index.html", "nothing.js", "..", "Graphiql.js"}) {
    EXPECT_EQ(graphiql.file(request("GET"), name).status, 404) << name;
  }
  const net::Response refused = graphiql.file(request("POST"), "graphiql.js");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header(refused, "Allow"), "GET, HEAD");
}

TEST_F(GraphiqlTest, browsers_are_told_to_trust_nobody_else) {
  for (const net::Response& response : {graphiql.page(request("GET")), graphiql.file(request("GET"), "graphiql.js")}) {
    const std::string policy = header(response, "Content-Security-Policy");
    EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self';")) << policy;
    EXPECT_EQ(policy.find("http"), std::string::npos) << policy;
    EXPECT_EQ(policy.find('*'), std::string::npos) << policy;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << policy;
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "");
  }
}

TEST_F(GraphiqlTest, a_copy_that_is_current_is_not_sent_again) {
  net::Request again = request("GET");
  const net::Response first = graphiql.file(again, "graphiql.js");
  EXPECT_EQ(header(first, "Cache-Control"), "no-cache");
  again.headers.add("if-none-match", "\"old\", W/" + header(first, "ETag"));
  const net::Response second = graphiql.file(again, "graphiql.js");
  EXPECT_EQ(second.status, 304);
  EXPECT_EQ(second.body, "");
  EXPECT_EQ(header(second, "ETag"), header(first, "ETag"));
  EXPECT_EQ(graphiql.file(again, "graphiql.css").status, 200) << "another file";
}

}  // namespace
}  // namespace penstock::api
