#include "store/decision_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "store_samples.h"
#include "temporary_directory.h"

// What every DecisionStore must do, and what only the one with a file can.

namespace penstock::store::contract {
namespace {

core::RecordedDecision decision(std::string_view endpoint, std::int64_t at_ms) {
  core::RecordedDecision one;
  one.endpoint = id<EndpointId>(endpoint);
  one.at = from_ms(at_ms);
  one.inputs.scaler = core::ScalerType::request_count;
  one.inputs.queued = static_cast<int>(at_ms);
  one.inputs.since_last_addition = Millis{7};
  one.decision = core::decide(one.inputs);
  one.outcome = {1, 2, 3, core::ScaleHold::no_place, "all in use: \"x\"; a=b", {Millis{1}, Millis{20}}};
  return one;
}

std::vector<std::int64_t> times(const core::DecisionPage& page) {
  std::vector<std::int64_t> all;
  for (const auto& one : page.decisions) all.push_back(to_ms(one.at));
  return all;
}

using Times = std::vector<std::int64_t>;

class DecisionStoreContract : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<DecisionStore> open(DecisionStoreOptions options = {}) {
    if (!GetParam()) return make_memory_decision_store(options);
    auto opened = open_decision_store(file(), options);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  std::string file() const { return directory_.path().string() + "/decisions.db"; }
  static Times list(DecisionStore& store, core::DecisionQuery query) {
    const auto page = store.list(query);
    EXPECT_TRUE(page) << page.error().message;
    return times(*page);
  }
  static core::DecisionQuery of(std::string_view endpoint) {
    core::DecisionQuery query;
    query.endpoint = id<EndpointId>(endpoint);
    return query;
  }

  TemporaryDirectory directory_;
};

TEST_P(DecisionStoreContract, GivesThemBackWholeTheNewestFirst) {
  const auto store = open();
  store->keep({decision("ep-1", 1), decision("ep-2", 2), decision("ep-1", 3)});
  store->keep({});
  store->keep({decision("ep-1", 4)});
  EXPECT_EQ(list(*store, of("ep-1")), (Times{4, 3, 1}));
  EXPECT_EQ(list(*store, of("ep-3")), Times{});
  EXPECT_EQ(store->list(of("ep-2"))->decisions.front(), decision("ep-2", 2));
}

TEST_P(DecisionStoreContract, ListsByTimeAndPageByPage) {
  const auto store = open();
  for (int i = 1; i <= 10; ++i) store->keep({decision("ep-1", i)});
  core::DecisionQuery query = of("ep-1");
  query.from = from_ms(2);
  query.until = from_ms(8);
  query.count = 3;
  Times seen;
  for (int pages = 1; pages <= 3; ++pages) {
    const auto page = store->list(query);
    for (const std::int64_t at : times(*page)) seen.push_back(at);
    EXPECT_EQ(page->next.has_value(), pages < 3);
    query.before = page->next;
  }
  EXPECT_EQ(seen, (Times{8, 7, 6, 5, 4, 3, 2}));
}

TEST_P(DecisionStoreContract, ForgetsTheOldAndTheMany) {
  DecisionStoreOptions options;
  options.rows_max = 3;
  options.keep_for = Millis{1'000};
  options.write_after = Millis{0};
  {
    const auto store = open(options);
    store->keep({decision("ep-1", 1), decision("ep-1", 2'000), decision("ep-1", 2'001), decision("ep-1", 2'002)});
    EXPECT_EQ(list(*store, of("ep-1")), (Times{2'002, 2'001, 2'000}));
  }
  const auto again = open(options);
  again->keep({decision("ep-2", 2'500), decision("ep-2", 2'501)});
  EXPECT_EQ(list(*again, of("ep-2")), (Times{2'501, 2'500}));
  EXPECT_LE(list(*again, of("ep-1")).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Stores, DecisionStoreContract, testing::Bool(),
                         [](const auto& info) { return info.param ? "file" : "memory"; });

TEST(DecisionStoreFile, KeepsThemOverARestart) {
  const TemporaryDirectory directory;
  const std::string file = directory.path().string() + "/decisions.db";
  {
    const auto store = std::move(*open_decision_store(file, {}));
    store->keep({decision("ep-1", 1)});
  }
  const auto store = std::move(*open_decision_store(file, {}));
  core::DecisionQuery query;
  query.endpoint = id<EndpointId>("ep-1");
  EXPECT_EQ(store->list(query)->decisions, std::vector{decision("ep-1", 1)});
}

TEST(DecisionStoreFile, BeginsAnewWhenItCannotBeUsed) {
  const TemporaryDirectory directory;
  const std::string file = directory.path().string() + "/decisions.db";
  std::ofstream(file) << std::string(10'000, 'x');
  const auto store = open_decision_store(file, {});
  ASSERT_TRUE(store);
  (*store)->keep({decision("ep-1", 1)});
  core::DecisionQuery query;
  query.endpoint = id<EndpointId>("ep-1");
  EXPECT_EQ((*store)->list(query)->decisions.size(), 1u);
  EXPECT_TRUE(std::ifstream(file + ".unusable").good());
  EXPECT_FALSE(open_decision_store(directory.path().string() + "/nowhere/decisions.db", {}));
}

}  // namespace
}  // namespace penstock::store::contract
