#include "api/admin/worker_log.h"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

Result<LogWish> wish_of(net::Fields query) {
  net::Request request;
  request.query = std::move(query);
  return read_log_wish(request);
}

TEST(WorkerLog, TheLinesOfAJobAreThoseThatNameItAsTheirRequest) {
  const std::vector<std::string> lines = {
      R"({"requestId": "job-1", "message": "Started.", "level": "INFO"})", "job-1 in words",
      R"({"requestId": "job-10", "message": "job-1", "level": "INFO"})",
      R"({"requestId": "job-1", "message": "Finished.", "level": "INFO"})", R"({"requestId": "job-1", "cut)"};
  LogWish wish;
  EXPECT_EQ(chosen_lines(lines, wish), lines);
  wish.job = *JobId::parse("job-1");
  EXPECT_EQ(chosen_lines(lines, wish), (std::vector<std::string>{lines[0], lines[3]}));
  wish.tail = 1;
  EXPECT_EQ(chosen_lines(lines, wish), (std::vector<std::string>{lines[3]}));
}

TEST(WorkerLog, AWrongWishSaysWhatIsAccepted) {
  EXPECT_EQ(wish_of({})->tail, 100u);
  EXPECT_EQ(wish_of({{"tail", "5000"}})->tail, 5000u);
  for (const char* tail : {"5001", "-1", "x", ""}) {
    const auto wish = wish_of({{"tail", tail}});
    ASSERT_FALSE(wish) << tail;
    EXPECT_NE(wish.error().message.find("from 0 to 5000"), std::string::npos);
  }
  EXPECT_FALSE(wish_of({{"job", "no id!"}}));
}

}  // namespace
}  // namespace penstock::api
