#include <gtest/gtest.h>

#include <array>

#include "core/queue/job_queue.h"

namespace penstock::core {
namespace {

/// The queue never looks into a job, so any address will do.
struct JobQueueTest : testing::Test {
  JobEntry* job(int i) { return reinterpret_cast<JobEntry*>(&storage[static_cast<std::size_t>(i)]); }
  std::array<long, 8> storage{};
  JobQueue queue;
};

TEST_F(JobQueueTest, FirstComeFirstServed) {
  EXPECT_EQ(queue.front(), nullptr);
  const auto a = queue.push_back(job(0), false);
  const auto b = queue.push_back(job(1), false);
  EXPECT_EQ(queue.front(), job(0));
  queue.remove(a);
  EXPECT_EQ(queue.front(), job(1));
  queue.remove(b);
  EXPECT_EQ(queue.size(), 0);
}

TEST_F(JobQueueTest, LowPriorityWaitsForAllOthers) {
  queue.push_back(job(0), true);
  const auto normal = queue.push_back(job(1), false);
  EXPECT_EQ(queue.front(), job(1));
  EXPECT_EQ(queue.front_low_priority(), job(0));
  EXPECT_EQ(queue.normal_count(), 1);
  EXPECT_EQ(queue.low_priority_count(), 1);
  queue.remove(normal);
  EXPECT_EQ(queue.front(), job(0));
  EXPECT_EQ(queue.front_normal(), nullptr);
}

TEST_F(JobQueueTest, LostJobsGoToTheFrontOfTheirLine) {
  queue.push_back(job(0), false);
  queue.push_front(job(1), false);
  queue.push_front(job(2), true);
  EXPECT_EQ(queue.front(), job(1));
  queue.push_front(job(3), false);
  EXPECT_EQ(queue.front(), job(3)) << "the last to come back is next";
}

TEST_F(JobQueueTest, JobsLeaveFromAnywhere) {
  queue.push_back(job(0), false);
  const auto middle = queue.push_back(job(1), false);
  queue.push_back(job(2), false);
  queue.remove(middle);
  EXPECT_EQ(queue.size(), 2);
  EXPECT_DEATH(queue.remove(middle), "erase");
}

}  // namespace
}  // namespace penstock::core
