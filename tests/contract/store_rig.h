#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"
#include "store_samples.h"
#include "temporary_directory.h"

namespace penstock::store::contract {

using Turn = std::vector<core::Record>;

/// The numbers of the jobs of a page.
inline std::string names(const core::JobPage& page) {
  std::string all;
  for (const core::StoredJob& job : page.jobs) all += (all.empty() ? "" : " ") + to_string(job.request.id).substr(4);
  return all;
}

/// What a listing tells, waited for.
template <class Query, class List>
Result<List> ask(Store& store, void (Store::*list)(const Query&, std::function<void(Result<List>)>),
                 const Query& query) {
  std::promise<Result<List>> found;
  (store.*list)(query, [&](Result<List> told) { found.set_value(std::move(told)); });
  return found.get_future().get();
}
/// The same, which must not fail.
template <class Query, class List>
List listed(Store& store, void (Store::*list)(const Query&, std::function<void(Result<List>)>), const Query& query) {
  auto told = ask(store, list, query);
  EXPECT_TRUE(told) << told.error().message;
  return told ? std::move(*told) : List{};
}

inline Result<core::JobPage> page_of(Store& store, const core::JobQuery& query) {
  return ask(store, &Store::list_jobs, query);
}

/// A store of each kind. A "restart" closes it and opens it again; for the memory store it is the same object.
/// local_slow: nothing reaches the tables before a restart or a load(). local_fast: every turn does at once.
class StoreRig : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { open(); }

  void restart() {
    if (std::string_view(GetParam()) == "memory") return;
    store_.reset();
    open();
  }

  void commit(const Turn& turn) {
    const auto done = store_->commit(turn);
    ASSERT_TRUE(done) << done.error().message;
  }

  Store& store() { return *store_; }

  Store& restarted() {
    restart();
    return *store_;
  }

  Result<core::JobPage> page(const core::JobQuery& query) { return page_of(*store_, query); }

  /// The numbers of a batch's jobs.
  std::string batch(const core::BatchJobQuery& query) {
    return names({listed(*store_, &Store::list_batch_jobs, query), {}});
  }

  bool finds(std::string_view endpoint, std::string_view job) {
    const auto found = store_->find_job(id<EndpointId>(endpoint), id<JobId>(job));
    EXPECT_TRUE(found) << found.error().message;
    return found && found->has_value();
  }

 private:
  void open() {
    if (std::string_view(GetParam()) == "memory") {
      store_ = make_memory_store();
      return;
    }
    auto opened = open_store();
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  Result<std::unique_ptr<Store>> open_store() {
    const std::string file = directory_.path() / "penstock.db";
    if (std::string_view(GetParam()) == "sqlite") return open_sqlite_store(file);
    LocalStoreOptions options{file, directory_.path() / "log", {}};
    options.log.segment_bytes = 64 << 10;
    if (std::string_view(GetParam()) == "local_slow") options.apply_after = Millis{3'600'000};
    if (std::string_view(GetParam()) == "local_fast") options.apply_bytes = 1;
    return open_local_store(std::move(options), random_);
  }

  TemporaryDirectory directory_;
  SeededRandom random_{1};
  std::unique_ptr<Store> store_;
};

inline auto every_store() {
  return testing::Values("memory", "sqlite", "local_slow", "local_fast");
}
inline std::string store_name(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}

}  // namespace penstock::store::contract
