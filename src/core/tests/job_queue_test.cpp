#include "core/queue/job_queue.h"

#include <gtest/gtest.h>

#include <array>

namespace penstock::core {
namespace {

constexpr Millis kAgeing{100};

/// The queue never looks into a job, so any address will do.
struct JobQueueTest : testing::Test {
  JobEntry* job(int i) { return reinterpret_cast<JobEntry*>(&storage[static_cast<std::size_t>(i)]); }
  JobQueue::Place add(int i, std::int64_t at_ms, Priority priority = Priority::normal) {
    const JobQueue::Place place{priority, from_ms(at_ms), i};
    queue.add(job(i), place);
    return place;
  }
  JobEntry* front() { return queue.front(kAgeing); }

  std::array<long, 8> storage{};
  JobQueue queue;
};

TEST_F(JobQueueTest, FirstComeFirstServed) {
  EXPECT_EQ(front(), nullptr);
  const auto a = add(0, 5);
  const auto b = add(1, 5);
  EXPECT_EQ(front(), job(0));
  queue.remove(a);
  EXPECT_EQ(front(), job(1));
  queue.remove(b);
  EXPECT_EQ(queue.size(), 0);
}

TEST_F(JobQueueTest, LowPriorityWaitsForAllOthers) {
  add(0, 0, Priority::low);
  const auto normal = add(1, 100);
  EXPECT_EQ(front(), job(1));
  EXPECT_EQ(queue.oldest_low_priority(), job(0));
  EXPECT_EQ(queue.normal_count(), 1);
  EXPECT_EQ(queue.low_priority_count(), 1);
  queue.remove(normal);
  EXPECT_EQ(front(), job(0));
  EXPECT_EQ(queue.oldest_normal(), nullptr);
}

TEST_F(JobQueueTest, HighPriorityOvertakesWhoHasNotWaitedLong) {
  add(0, 0);
  const auto high = add(1, 100, Priority::high);
  EXPECT_EQ(front(), job(1));
  EXPECT_EQ(queue.oldest_normal(), job(0));
  EXPECT_EQ(queue.normal_count(), 2);
  queue.remove(high);
  add(2, 101, Priority::high);
  EXPECT_EQ(front(), job(0)) << "it has waited for longer than high priority is worth";
}

TEST_F(JobQueueTest, NobodyIsOvertakenForEver) {
  add(0, 0, Priority::low);
  const auto normal = add(1, 101);
  EXPECT_EQ(front(), job(0));
  queue.remove(normal);
  const auto high = add(2, 200, Priority::high);
  EXPECT_EQ(front(), job(2));
  queue.remove(high);
  add(3, 201, Priority::high);
  EXPECT_EQ(front(), job(0));
}

TEST_F(JobQueueTest, LostJobsGoBackToTheirPlace) {
  const auto first = add(0, 0);
  const auto second = add(1, 1);
  add(2, 2);
  queue.remove(first);
  queue.remove(second);
  queue.add(job(1), second);
  EXPECT_EQ(front(), job(1));
  queue.add(job(0), first);
  EXPECT_EQ(front(), job(0));
}

TEST_F(JobQueueTest, JobsLeaveFromAnywhere) {
  add(0, 0);
  const auto middle = add(1, 1);
  add(2, 2);
  queue.remove(middle);
  EXPECT_EQ(queue.size(), 2);
  EXPECT_DEATH(queue.remove(middle), "spare_");
}

TEST_F(JobQueueTest, TheFirstFewAreThoseThatFrontGivesOneAfterTheOther) {
  std::array<JobQueue::Place, 8> places;
  for (int i = 0; i < 8; ++i) {
    const auto priority = static_cast<Priority>(i % 3);
    places[static_cast<std::size_t>(i)] = {priority, from_ms(i % 2 == 0 ? 40 * i : 200 - 30 * i), i, i % 4 == 1};
    queue.add(job(i), places[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(queue.first(3, kAgeing).size(), 3U);
  const std::vector<JobEntry*> all = queue.first(100, kAgeing);
  ASSERT_EQ(all.size(), 8U);
  for (JobEntry* next : all) {
    ASSERT_EQ(front(), next);
    queue.remove(places[static_cast<std::size_t>(reinterpret_cast<long*>(next) - storage.data())]);
  }
  EXPECT_TRUE(queue.first(1, kAgeing).empty());
}

}  // namespace
}  // namespace penstock::core
