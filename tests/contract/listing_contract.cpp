#include "store_rig.h"

// What list_jobs() and list_batch_jobs() promise, for every store.

namespace penstock::store::contract {
namespace {

class Listing : public StoreRig {
 protected:
  void SetUp() override {
    StoreRig::SetUp();
    Turn turn;
    for (int i = 0; i < 9; ++i) {
      core::JobAdded added = bare_job("job-" + std::to_string(i), i == 4 ? "ep-2" : "ep-1");
      added.request.created = from_ms(10 * (i / 2));  // two of each time: job-0 and job-1, job-2 and job-3 ...
      added.request.s3_config = core::bytes("{}");
      if (i % 3 == 0) added.state.status = core::JobStatus::failed;
      added.state.expires = from_ms(i == 6 ? 100 : 1000);
      turn.push_back(added);
    }
    commit(turn);
    query.endpoint = id<EndpointId>("ep-1");
    query.now = from_ms(50);
    query.count = 100;
    query.looks = 100;
  }
  /// All pages, each in brackets.
  std::string listed() {
    std::string all;
    core::JobQuery rest = query;
    do {
      const auto found = page(rest);
      EXPECT_TRUE(found) << found.error().message;
      all += "[" + names(*found) + "]";
      rest.behind = found->next;
    } while (rest.behind && all.size() < 1000);
    return all;
  }
  core::JobQuery query;
};
INSTANTIATE_TEST_SUITE_P(Stores, Listing, every_store(), store_name);

TEST_P(Listing, TheNewestComesFirst) {
  EXPECT_EQ(listed(), "[8 7 6 5 3 2 1 0]");
  query.endpoint = id<EndpointId>("ep-2");
  EXPECT_EQ(listed(), "[4]");
  query.endpoint = id<EndpointId>("ep-3");
  EXPECT_EQ(listed(), "[]");
}

TEST_P(Listing, PagesFollowOneAnother) {
  query.count = 3;
  EXPECT_EQ(listed(), "[8 7 6][5 3 2][1 0]");
  query.count = 4;
  EXPECT_EQ(listed(), "[8 7 6 5][3 2 1 0]");
  restart();
  query.count = 1;
  EXPECT_EQ(listed(), "[8][7][6][5][3][2][1][0]");
}

TEST_P(Listing, WhatFewMatchIsFoundPageByPage) {
  query.states = {core::JobStatus::failed};
  EXPECT_EQ(listed(), "[6 3 0]");
  query.looks = 3;
  EXPECT_EQ(listed(), "[6][3][0]");
  query.states = {core::JobStatus::completed};
  EXPECT_EQ(listed(), "[][][]");
  query.states = {core::JobStatus::in_queue, core::JobStatus::failed};
  query.looks = 100;
  EXPECT_EQ(listed(), "[8 7 6 5 3 2 1 0]");
}

TEST_P(Listing, TimesAreBounds) {
  query.from = from_ms(10);
  query.before = from_ms(40);
  EXPECT_EQ(listed(), "[7 6 5 3 2]");
  query.count = 2;
  EXPECT_EQ(listed(), "[7 6][5 3][2]");
}

TEST_P(Listing, ForgottenResultsAreLeftOut) {
  query.now = from_ms(100);
  EXPECT_EQ(listed(), "[8 7 5 3 2 1 0]");
  commit({core::JobsForgotten{from_ms(2000)}});
  EXPECT_EQ(listed(), "[8 7 5 2 1]");
}

TEST_P(Listing, ShowsTheStateButNoPayloads) {
  core::JobState state;
  state.status = core::JobStatus::in_progress;
  state.attempt = 3;
  commit({core::JobChanged{id<JobId>("job-8"), state, true, core::bytes("1")}});
  const auto found = page(query);
  EXPECT_EQ(found->jobs.front().state, state);
  EXPECT_EQ(found->jobs.front().request.input, nullptr);
  EXPECT_EQ(found->jobs.front().request.s3_config, nullptr);
  EXPECT_EQ(found->jobs.front().output, nullptr);
}

struct BatchListing : StoreRig {
  void SetUp() override {
    StoreRig::SetUp();
    Turn turn;
    for (int i = 0; i < 6; ++i) {
      core::JobAdded added = bare_job("job-" + std::to_string(i), i == 5 ? "ep-2" : "ep-1");
      added.request.batch = i == 4 ? BatchId{} : id<BatchId>("batch_1");
      turn.push_back(added);
    }
    commit(turn);
  }
  void finish(const char* job, const std::string& output) {
    core::JobState state = completed_state();
    state.expires = from_ms(1000);
    commit({core::JobChanged{id<JobId>(job), state, true, core::bytes(output)}});
  }
  core::BatchJobQuery query{id<EndpointId>("ep-1"), id<BatchId>("batch_1"), from_ms(50), 0, 100, 1'000'000};
};
INSTANTIATE_TEST_SUITE_P(Stores, BatchListing, every_store(), store_name);

TEST_P(BatchListing, ItsRequestsComeInTheirOrder) {
  EXPECT_EQ(batch(query), "0 1 2 3");
  query.offset = 1;
  query.count = 2;
  EXPECT_EQ(batch(query), "1 2");
  restart();
  EXPECT_EQ(batch(query), "1 2");
  query.batch = id<BatchId>("batch_2");
  EXPECT_EQ(batch(query), "");
}

TEST_P(BatchListing, APageEndsWithItsBytes) {
  for (const char* job : {"job-0", "job-1", "job-2"}) finish(job, std::string(5'000, 'x'));
  EXPECT_EQ(batch(query), "0 1 2 3");
  query.bytes_max = 10'000;
  EXPECT_EQ(batch(query), "0 1");
  query.bytes_max = 1;
  query.offset = 1;
  EXPECT_EQ(batch(query), "1") << "one is given however large it is";
}

TEST_P(BatchListing, ForgottenOnesAreLeftOut) {
  finish("job-1", "1");
  query.now = from_ms(1000);
  EXPECT_EQ(batch(query), "0 2 3");
  commit({core::JobsForgotten{from_ms(2000)}});
  query.now = from_ms(50);
  EXPECT_EQ(batch(query), "0 2 3");
}

}  // namespace
}  // namespace penstock::store::contract
