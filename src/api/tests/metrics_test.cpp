#include <gtest/gtest.h>

#include "api/metrics/exposition.h"
#include "api/metrics/metrics_api.h"
#include "api/metrics/route_counts.h"

namespace penstock::api {
namespace {

using namespace std::chrono_literals;

TEST(Exposition, EscapesWhatTheFormatAsksFor) {
  Exposition out;
  out.gauge("a", "one \\ two\nthree \"four\"");
  out.sample({{"x", "1\\2\n3\"4"}, {"y", ""}}, std::uint64_t{7});
  EXPECT_EQ(out.take(), "# HELP a one \\\\ two\\nthree \"four\"\n# TYPE a gauge\na{x=\"1\\\\2\\n3\\\"4\",y=\"\"} 7\n");
}

TEST(Exposition, AHistogramCountsUpwards) {
  LatencyHistogram values;
  values.add(50us);
  values.add(51us);
  values.add(2s);
  EXPECT_EQ(values.count(), 3u);
  Exposition out;
  out.histogram("h", "help", values);
  const std::string text = out.take();
  EXPECT_NE(text.find("h_bucket{le=\"5e-05\"} 1\n"), std::string::npos) << "a bound is included";
  EXPECT_NE(text.find("h_bucket{le=\"0.0001\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("h_bucket{le=\"1\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("h_bucket{le=\"+Inf\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("h_count 3\n"), std::string::npos);
}

TEST(RouteCounts, KnowsAFixedListOfNames) {
  const auto name = [](std::vector<std::string_view> parts) {
    return RouteCounts::kNames[RouteCounts::index_of(parts)];
  };
  EXPECT_EQ(name({"v2", "ep", "run"}), "run");
  EXPECT_EQ(name({"v2", "ep", "openai", "v1", "models"}), "openai");
  EXPECT_EQ(name({"v2", "run"}), "other");
  EXPECT_EQ(name({"v2", "ep", "anything"}), "other");
  EXPECT_EQ(name({"graphql"}), "graphql");
  EXPECT_EQ(name({"metrics"}), "metrics");
  EXPECT_EQ(name({"penstock", "v1", "endpoints"}), "admin");
  EXPECT_EQ(name({}), "other");
}

TEST(Metrics, OnlyWhatComesFromHereAndIsMeantForHereIsLocal) {
  const auto local = [](std::string peer, const std::string& host, const std::string& extra = {}) {
    net::Request request;
    request.peer = std::move(peer);
    request.headers = {{"host", host}};
    if (!extra.empty()) request.headers.add(extra, "x");
    return is_local(request);
  };
  EXPECT_TRUE(local("127.0.0.1:5000", "127.0.0.1:8420"));
  EXPECT_TRUE(local("127.0.0.1:5000", "localhost"));
  EXPECT_TRUE(local("[::1]:5000", "[::1]:8420"));
  EXPECT_TRUE(local("[::1]:5000", "localhost:8420"));
  EXPECT_FALSE(local("10.0.0.1:5000", "127.0.0.1:8420"));
  EXPECT_FALSE(local("127.0.0.1:5000", "penstock.example"));
  EXPECT_FALSE(local("127.0.0.1:5000", "127.evil.example:80"));
  EXPECT_FALSE(local("127.0.0.1:5000", ""));
  EXPECT_FALSE(local("127.0.0.1:5000", "localhost", "x-forwarded-for"));
  EXPECT_FALSE(local("127.0.0.1:5000", "localhost", "origin"));
}

}  // namespace
}  // namespace penstock::api
