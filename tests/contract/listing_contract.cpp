#include "store_rig.h"

// What list_jobs() promises, for every store.

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
      const auto page = store().list_jobs(rest);
      EXPECT_TRUE(page) << page.error().message;
      all += "[" + names(*page) + "]";
      rest.behind = page->next;
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
  const auto page = store().list_jobs(query);
  EXPECT_EQ(page->jobs.front().state, state);
  EXPECT_EQ(page->jobs.front().request.input, nullptr);
  EXPECT_EQ(page->jobs.front().request.s3_config, nullptr);
  EXPECT_EQ(page->jobs.front().output, nullptr);
}

}  // namespace
}  // namespace penstock::store::contract
