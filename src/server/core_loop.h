#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "api/admin/worker_environment.h"
#include "api/core.h"
#include "core/engine.h"
#include "launch/launcher.h"
#include "net/loop.h"
#include "server/admission.h"
#include "store/store.h"

namespace penstock::server {

/// Drives the engine: gathers the commands of one turn, applies them, commits what they changed with one sync, and only
/// then answers callers, gives orders to the launcher and posts webhooks. So nothing that anybody was told can be lost,
/// and no worker ever holds an attempt that the store does not know. While the disk is nearly full, Admission keeps new
/// work out.
///
/// Lives on the loop's thread. When a commit fails, the engine is ahead of the store and there is no honest way on:
/// `on_fatal` is called and nothing of that turn leaves.
class CoreLoop final : public api::Core {
 public:
  using OnFatal = std::function<void(const Error&)>;
  using GiveOrder = std::function<void(core::LaunchOrder)>;
  using Post = std::function<void(core::PostWebhook)>;

  CoreLoop(net::Loop& loop, core::Engine& engine, store::Store& store, const Clock& clock, GiveOrder give_order,
           Post post, OnFatal on_fatal);

  /// Hands the effects of Engine::restore over: commits, then gives the orders.
  void begin(core::Effects effects);

  core::Token expect(OnReply on_reply) override;
  void give(core::Command command) override;
  void forget(core::Token token) override;
  Result<void> recall(const EndpointId& endpoint, const JobId& job) override;
  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override;
  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override;
  Result<core::JobPage> list_jobs(const core::JobQuery& query) override;
  void watch(Watch watch) override { watches_.push_back(std::move(watch)); }
  const core::Engine& engine() const override { return engine_; }
  Time now() const override { return clock_.now(); }

  /// Applies what has been given, now. For the end of the server, and before a read of the store.
  void run_turn();

 private:
  void deliver(core::Effects& effects);
  bool know_first(const core::Submit& submit, core::Effects& turn);
  void wake_at(std::optional<Time> at);

  net::Loop& loop_;
  core::Engine& engine_;
  store::Store& store_;
  const Clock& clock_;
  GiveOrder give_order_;
  Post post_;
  OnFatal on_fatal_;
  net::Loop::Timer timer_;
  std::vector<core::Command> commands_;
  Admission admission_;
  std::unordered_map<core::Token, OnReply> callers_;
  std::vector<Watch> watches_;
  core::Token next_token_ = 1;
  bool turn_posted_ = false;
  bool in_turn_ = false;
  bool failed_ = false;
  std::uint64_t let_go_committed_ = 0;  // Engine::jobs_let_go() as of the last commit
  std::optional<Time> wake_at_;
};

}  // namespace penstock::server
