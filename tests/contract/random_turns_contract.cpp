// What every store makes of many turns is what it would make of their records one by one.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "store/memory_store.h"
#include "store_rig.h"
#include "store_samples.h"

namespace penstock::store::contract {
namespace {

using core::Record;

class RandomTurns : public StoreRig {
 protected:
  /// Both load the same and find the same of the jobs that random_turn() speaks of.
  void expect_agrees(Store& model);
};

INSTANTIATE_TEST_SUITE_P(Stores, RandomTurns, every_store(), store_name);

/// What the random turns are about.
constexpr int kRandomJobs = 4;
constexpr int kRandomEndpoints = 2;

/// A turn of records that makes sense or not: any order of any of them over a handful of ids, but that a completed job
/// (`over`) stays so.
Turn random_turn(SeededRandom& random, std::set<std::string>& over) {
  Turn turn;
  for (std::uint64_t left = 1 + random.below(12); left > 0; --left) {
    const std::string job = "job-" + std::to_string(random.below(kRandomJobs));
    const std::string endpoint = "ep-" + std::to_string(random.below(kRandomEndpoints));
    core::JobState state = random.below(2) == 0 ? completed_state() : core::JobState{};
    state.attempt = static_cast<int>(random.below(1000));
    state.expires = from_ms(static_cast<std::int64_t>(random.below(4)));
    const core::Bytes bytes =
        core::bytes(std::string(random.below(2) == 0 ? 5 : 3000, static_cast<char>(random.next())));
    switch (random.below(12)) {
      case 0:
      case 1: {
        core::JobAdded added = random.below(2) == 0 ? full_job(job, endpoint) : bare_job(job, endpoint);
        added.state.attempt = state.attempt;
        added.request.input = bytes;
        over.erase(job);
        turn.push_back(added);
        break;
      }
      case 2:
      case 3:
        if (over.contains(job)) state.status = core::JobStatus::completed;
        if (state.status == core::JobStatus::completed) over.insert(job);
        turn.push_back(core::JobChanged{id<JobId>(job), state, random.below(2) == 0, bytes});
        break;
      case 4:
        turn.push_back(core::ChunkAdded{id<JobId>(job), 0, bytes});
        break;
      case 5:
        turn.push_back(core::ChunksCleared{id<JobId>(job)});
        break;
      case 6:
        turn.push_back(core::JobsForgotten{from_ms(static_cast<std::int64_t>(random.below(4)))});
        break;
      case 7:
        turn.push_back(core::CountersSaved{id<EndpointId>(endpoint), {state.attempt, 0, 0}, state.expires});
        break;
      case 8:
        turn.push_back(core::WorkerSaved{bare_worker("w-" + job, endpoint)});
        break;
      case 9:
        if (random.below(3) == 0) turn.push_back(core::EndpointRemoved{id<EndpointId>(endpoint)});
        break;
      case 10: {
        core::Batch batch = full_batch("batch_" + std::to_string(random.below(2)) + endpoint, endpoint);
        batch.completed = state.attempt;
        if (random.below(4) == 0) {
          turn.push_back(core::BatchRemoved{batch.id});
        } else {
          turn.push_back(core::BatchSaved{std::move(batch)});
        }
        break;
      }
      case 11:
        turn.push_back(core::ReleaseSaved{release(endpoint, static_cast<int>(random.below(150)))});
        break;
    }
  }
  return turn;
}

void RandomTurns::expect_agrees(Store& model) {
  expect_same(*store().load(), *model.load());
  for (int e = 0; e < kRandomEndpoints; ++e) {
    const EndpointId endpoint = id<EndpointId>("ep-" + std::to_string(e));
    EXPECT_EQ(listed(store(), &Store::list_releases, endpoint), listed(model, &Store::list_releases, endpoint));
  }
  for (int e = 0; e < kRandomEndpoints; ++e) {
    for (int j = 0; j < kRandomJobs; ++j) {
      const EndpointId endpoint = id<EndpointId>("ep-" + std::to_string(e));
      const JobId job = id<JobId>("job-" + std::to_string(j));
      const auto got = *store().find_job(endpoint, job);
      const auto known = *model.find_job(endpoint, job);
      ASSERT_EQ(got.has_value(), known.has_value()) << job.str();
      if (got) expect_same_job(*got, *known);
      const std::string key = full_job(job.str(), "ep-0").request.idempotency_key;
      const auto got_keyed = *store().find_keyed_job(endpoint, key);
      const auto known_keyed = *model.find_keyed_job(endpoint, key);
      ASSERT_EQ(got_keyed.has_value(), known_keyed.has_value()) << job.str();
      if (got_keyed) expect_same_job(*got_keyed, *known_keyed);
    }
    core::JobQuery query;
    query.endpoint = id<EndpointId>("ep-" + std::to_string(e));
    query.now = from_ms(2);
    query.count = 2;
    query.looks = 3;
    do {
      const auto got = *page(query);
      const auto known = *page_of(model, query);
      EXPECT_EQ(names(got), names(known));
      ASSERT_EQ(got.next, known.next);
      query.behind = got.next;
    } while (query.behind);
  }
}

TEST_P(RandomTurns, AgreeWithRecordsAppliedOneByOneAndTwice) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const auto model = make_memory_store();
    std::set<std::string> over;
    for (int i = 0; i < 12; ++i) {
      const Turn turn = random_turn(random, over);
      for (const Record& record : turn) ASSERT_TRUE(model->commit(Turn{record}));
      commit(turn);
      if (random.below(3) == 0 && !turn.empty()) {
        const Turn last = {turn.back()};
        commit(last);
        expect_agrees(*model);
      }
    }
    if (seed % 8 == 0) restart();
    expect_agrees(*model);
    if (HasFailure()) return;
    Turn clear = {core::EndpointRemoved{id<EndpointId>("ep-0")}, core::EndpointRemoved{id<EndpointId>("ep-1")}};
    for (int i = 0; i < kRandomJobs; ++i)
      clear.push_back(core::WorkerRemoved{id<WorkerId>("w-job-" + std::to_string(i))});
    commit(clear);
    expect_holds(store(), {});
  }
}

}  // namespace
}  // namespace penstock::store::contract
