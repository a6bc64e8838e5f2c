#include "api/answers.h"

#include <gtest/gtest.h>

#include "api/path_parts.h"

namespace penstock::api {
namespace {

TEST(Answers, PagesOfOthersMayReadEveryOne) {
  net::Request request;
  request.method = "PUT";
  for (const net::Response& answer : {json_answer("{}"), error_answer({Errc::not_found, "gone"}),
                                      busy_answer("later", 3), preflight_answer(), wrong_method(request, "POST")}) {
    EXPECT_TRUE(answer.any_origin) << answer.status;
  }
}

TEST(PathParts, AreWhatLiesBetweenTheSlashes) {
  const auto parts = [](std::string_view path) {
    const auto found = path_parts(path);
    return std::vector<std::string>(found.begin(), found.end());
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts("/"), Parts{});
  EXPECT_EQ(parts("/v2/ep/run"), (Parts{"v2", "ep", "run"}));
  EXPECT_EQ(parts("/v2/ep/run/"), (Parts{"v2", "ep", "run"})) << "a slash at the end adds none";
  EXPECT_EQ(parts("/v2//run"), (Parts{"v2", "", "run"}));
  EXPECT_EQ(parts("/1/2/3/4/5/6/7/8/9/10").size(), 10U) << "more than any route has";
}

}  // namespace
}  // namespace penstock::api
