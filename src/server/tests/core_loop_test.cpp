#include "server/core_loop.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "store/memory_store.h"

namespace penstock::server {
namespace {

/// A store whose later commits end when the test says so.
class SlowStore final : public store::Store {
 public:
  Result<core::StoredState> load() override { return inner_->load(); }
  Result<std::optional<core::StoredJob>> find_job(const EndpointId& endpoint, const JobId& job) override {
    return inner_->find_job(endpoint, job);
  }
  Result<std::optional<core::StoredJob>> find_keyed_job(const EndpointId& endpoint, const std::string& key) override {
    return inner_->find_keyed_job(endpoint, key);
  }
  Result<std::optional<EndpointId>> endpoint_of(const JobId& job) override { return inner_->endpoint_of(job); }
  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override {
    return inner_->find_delivery(id);
  }
  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override {
    return inner_->list_deliveries(query);
  }
  void list_jobs(const core::JobQuery& query, OnPage on_page) override { inner_->list_jobs(query, on_page); }
  void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) override {
    inner_->list_batch_jobs(query, on_jobs);
  }
  void list_releases(const EndpointId& endpoint, OnReleases on_releases) override {
    inner_->list_releases(endpoint, std::move(on_releases));
  }
  void list_usage(const core::UsageQuery& query, OnUsage on_usage) override {
    inner_->list_usage(query, std::move(on_usage));
  }
  Result<void> commit(std::span<const core::Record> turn) override {
    ++commits;
    return inner_->commit(turn);
  }
  void commit_later(std::span<const core::Record> turn, Done done) override {
    ASSERT_TRUE(inner_->commit(turn));
    waiting.push_back(std::move(done));
  }

  int commits = 0;
  std::vector<Done> waiting;

 private:
  std::unique_ptr<store::Store> inner_ = store::make_memory_store();
};

class CoreLoopTest : public testing::Test {
 protected:
  CoreLoopTest() {
    core::StoredState state;
    state.accounts = {account_};
    state.volumes = {{VolumeId::parse("volume").value(), account_.id, "models", 10, "EU-RO-1", clock_.now()}};
    core::Effects effects;
    engine_.restore(clock_.now(), std::move(state), effects);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~CoreLoopTest() override {
    loop_.stop();
    thread_.join();
  }

  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }

  /// One turn that deletes the volume, with this many records beside it.
  void delete_volume(int more) {
    on_loop([&] {
      for (int i = 0; i < more; ++i) core_.give(core::SaveAccount{account_});
      const core::Token to = core_.expect([this](core::Reply) { happened_.emplace_back("answered"); });
      core_.give(core::DeleteVolume{to, account_.id, "volume"});
      core_.run_turn();
    });
  }

  /// An endpoint and a worker of it.
  std::pair<EndpointId, WorkerId> attached() {
    std::pair<EndpointId, WorkerId> made;
    on_loop([&] {
      core::SaveEndpoint save{
          core_.expect([&](core::Reply reply) { made.first = std::get<core::EndpointReply>(reply.what).id; }),
          account_.id,
          {}};
      save.input.name = "endpoint";
      save.input.gpu_ids = std::string("ADA_24");
      save.input.new_template = core::TemplateInput{};
      save.input.new_template->name = "template";
      save.input.new_template->image = std::string("example/image:1");
      core_.give(std::move(save));
      core_.run_turn();
      core_.give(core::AttachWorker{
          core_.expect([&](core::Reply reply) { made.second = std::get<core::WorkerAttached>(reply.what).id; }),
          made.first});
      core_.run_turn();
      happened_.clear();
    });
    return made;
  }

  // On the loop's thread.
  void take(const EndpointId& endpoint, const WorkerId& worker) {
    core_.give(
        core::TakeJobs{core_.expect([this](core::Reply) { happened_.emplace_back("handed out"); }), endpoint, worker});
  }
  void submit(const EndpointId& endpoint) {
    core::Submit submit{core_.expect([this](core::Reply) { happened_.emplace_back("accepted"); }), {}, {}};
    submit.request.endpoint = endpoint;
    submit.request.input = core::bytes("1");
    core_.give(std::move(submit));
  }

  void finish(std::size_t which, const Result<void>& done = {}) {
    on_loop([&] { store_.waiting.at(which)(done); });
    on_loop([] {});  // what it posted
  }

  std::vector<std::string> happened() {
    return on_loop([this] { return happened_; });
  }

  using Texts = std::vector<std::string>;

  SystemClock clock_;
  SeededRandom random_{1};
  const core::Account account_{AccountId::parse("user").value(), "u@example.org", clock_.now(), ""};
  net::Loop loop_;
  SlowStore store_;
  Texts happened_;  // outside, in order
  core::Engine engine_{{}, {}, random_};
  CoreLoop core_{loop_,
                 engine_,
                 store_,
                 clock_,
                 [this](core::LaunchOrder) { happened_.emplace_back("ordered"); },
                 [](core::PostWebhook) {},
                 {[this](std::uint64_t ticket) { happened_.push_back("hold " + std::to_string(ticket)); },
                  [this](std::uint64_t ticket) { happened_.push_back("release " + std::to_string(ticket)); },
                  [this](const std::function<void()>& answer) {
                    happened_.emplace_back("passes");
                    answer();
                  }},
                 [this](const Error& error) { happened_.push_back("fatal: " + error.message); }};
  std::thread thread_;
};

TEST_F(CoreLoopTest, ASmallTurnIsCommittedInTheLoop) {
  delete_volume(0);
  EXPECT_EQ(happened(), (Texts{"ordered", "answered"}));
  EXPECT_EQ(store_.commits, 1);
}

TEST_F(CoreLoopTest, NothingOfALargeTurnLeavesBeforeItIsDurable) {
  delete_volume(20);
  EXPECT_EQ(happened(), (Texts{"hold 1", "answered"})) << "the answer is made, and held back";
  EXPECT_EQ(store_.commits, 0);
  finish(0);
  EXPECT_EQ(happened(), (Texts{"hold 1", "answered", "release 1", "ordered"}));
}

TEST_F(CoreLoopTest, ASmallTurnBehindALargeOneWaitsToo) {
  on_loop([&] {
    for (int i = 0; i < 20; ++i) core_.give(core::SaveAccount{account_});
    core_.run_turn();
  });
  delete_volume(0);
  EXPECT_EQ(happened(), (Texts{"hold 1", "hold 2", "answered"}));
  finish(0);
  EXPECT_EQ(happened(), (Texts{"hold 1", "hold 2", "answered", "release 1"}));
  finish(1);
  EXPECT_EQ(happened().back(), "ordered");
}

TEST_F(CoreLoopTest, NewJobsForAWorkerDoNotWait) {
  const auto at = attached();
  const auto turn = [&](int more) {
    on_loop([&] {
      happened_.clear();
      take(at.first, at.second);
      submit(at.first);
      for (int i = 0; i < more; ++i) core_.give(core::SaveAccount{account_});
      core_.run_turn();
    });
  };
  const int before = store_.commits;
  turn(0);
  EXPECT_EQ(happened(), (Texts{"passes", "handed out", "accepted"}));
  EXPECT_EQ(store_.commits, before + 1);
  turn(20);
  const Texts large = happened();
  EXPECT_EQ((Texts{large.end() - 4, large.end()}), (Texts{"hold 1", "passes", "handed out", "accepted"}));
}

TEST_F(CoreLoopTest, JobsThatSomebodyWasToldOfWait) {
  const auto at = attached();
  on_loop([&] {
    submit(at.first);
    core_.run_turn();
    happened_.clear();
    take(at.first, at.second);
    core_.run_turn();
  });
  EXPECT_EQ(happened(), Texts{"handed out"});
}

TEST_F(CoreLoopTest, WhenACommitFailsNothingLeaves) {
  delete_volume(20);
  finish(0, fail(Errc::unavailable, "broken"));
  EXPECT_EQ(happened(), (Texts{"hold 1", "answered", "fatal: broken"}));
}

TEST_F(CoreLoopTest, TheEndWaitsForWhatWasBegun) {
  delete_volume(20);
  on_loop([&] { core_.settle(); });
  EXPECT_EQ(happened(), (Texts{"hold 1", "answered", "release 1", "ordered"}));
  EXPECT_EQ(store_.commits, 1);
}

}  // namespace
}  // namespace penstock::server
