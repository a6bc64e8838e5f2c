#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "api/admin/worker_environment.h"
#include "api/core.h"
#include "base/latency_histogram.h"
#include "core/engine.h"
#include "launch/launcher.h"
#include "net/loop.h"
#include "server/admission.h"
#include "server/input_reads.h"
#include "store/store.h"

namespace penstock::server {

/// Drives the engine: gathers the commands of one turn, applies them, commits what they changed with one sync, and only
/// then lets answers leave, gives orders to the launcher and posts webhooks. So nothing that anybody was told can be
/// lost. While the disk is nearly full, Admission keeps new work out.
///
/// A small turn is committed in the loop: alone, a job waits for the disk and for no other thread. A large one, or one
/// on a slow disk, is committed behind the loop's back, which goes on with the next turn meanwhile. The engine is then
/// ahead of the disk, so whatever anybody is told waits in the gate until it is durable.
///
/// Only jobs that were submitted in the turn itself go to a worker before it is durable (docs/decisions/0001): nobody
/// was told of them, and the log keeps its order, so a result is never durable before its job.
///
/// Lives on the loop's thread. When a commit fails, the engine is ahead of the store and there is no honest way on:
/// `on_fatal` is called and nothing of that turn leaves.
class CoreLoop final : public api::Core {
 public:
  using OnFatal = std::function<void(const Error&)>;
  using GiveOrder = std::function<void(core::LaunchOrder)>;
  using Post = std::function<void(core::PostWebhook)>;

  /// Holds back all that leaves this server (net::HttpServer::hold, release and pass).
  struct Gate {
    std::function<void(std::uint64_t ticket)> hold;
    std::function<void(std::uint64_t ticket)> release;
    std::function<void(const std::function<void()>& answer)> pass;
  };

  CoreLoop(net::Loop& loop, core::Engine& engine, store::Store& store, const Clock& clock, GiveOrder give_order,
           Post post, Gate gate, OnFatal on_fatal);

  /// Hands the effects of Engine::restore over: commits, then gives the orders.
  void begin(core::Effects effects);

  core::Token expect(OnReply on_reply) override;
  void give(core::Command command) override;
  void forget(core::Token token) override;
  Result<void> recall(const EndpointId& endpoint, const JobId& job) override;
  Result<std::optional<EndpointId>> endpoint_of(const AccountId& owner, const JobId& job) override;
  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override;
  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override;
  void list_jobs(const core::JobQuery& query, OnPage on_page) override;
  void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) override;
  void list_releases(const EndpointId& endpoint, OnReleases on_releases) override;
  void list_usage(const core::UsageQuery& query, OnUsage on_usage) override;
  /// Takes what the scaler decided in a turn that is on its way to the disk: for its flight recorder.
  using Recorder = std::function<void(std::vector<core::RecordedDecision>)>;
  void record_decisions(Recorder recorder) { recorder_ = std::move(recorder); }

  void watch(Watch watch) override { watches_.push_back(std::move(watch)); }
  const core::Engine& engine() const override { return engine_; }
  Time now() const override { return clock_.now(); }

  const LatencyHistogram& commits() const { return commits_; }
  std::uint64_t records() const { return records_; }

  /// Applies what has been given, now. Before a read of the store.
  void run_turn();
  /// Nothing was given that is not applied and durable yet.
  bool is_quiet() const { return commands_.empty() && !turn_posted_ && in_flight_.empty(); }
  /// The same as run_turn(), and waits until all of it is durable. For the start and the end of the server.
  void settle();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  /// What is to happen outside once a turn is on the disk, besides answers.
  struct Outward {
    std::vector<core::LaunchOrder> orders;
    std::vector<core::PostWebhook> posts;

    void append(Outward more);
  };

  /// A turn on its way to the disk.
  struct InFlight {
    std::uint64_t ticket = 0;
    Instant begun;
    Outward outward;
  };

  void deliver(core::Effects& effects);
  bool commits_in_loop(std::span<const core::Record> turn) const;
  void commit_in_loop(std::span<const core::Record> turn, Outward outward);
  void commit_behind_loop(std::span<const core::Record> turn, Outward outward);
  void answer(std::span<core::Reply> replies);
  void send(Outward outward);
  void took(Instant begun);
  void durable(std::uint64_t ticket, const Result<void>& done);
  void fail(const Error& error);
  void log_what_happened(const core::Effects& effects) const;
  bool is_repeated(const core::Submit& submit);
  void know_keys(Time now, core::Effects& turn);
  bool know_input(const core::Submit& submit, Time now, core::Effects& turn);
  bool know_first(const core::Submit& submit, Time now, core::Effects& turn);
  template <class Query, class Told, class OnList>
  void list(void (store::Store::*list)(const Query&, Told), const Query& query, OnList on_list);
  void wake_at(std::optional<Time> at);

  net::Loop& loop_;
  core::Engine& engine_;
  store::Store& store_;
  const Clock& clock_;
  GiveOrder give_order_;
  Post post_;
  Gate gate_;
  OnFatal on_fatal_;
  net::Loop::Timer timer_;
  std::vector<core::Command> commands_;
  std::vector<core::Command> turn_;  // those being applied
  Admission admission_;
  Admission::HasRoom has_room_;
  Admission::IsRepeated is_repeated_;
  InputReads inputs_;
  boost::unordered_flat_map<core::Token, OnReply> callers_;
  std::vector<Watch> watches_;
  Recorder recorder_;
  core::Token next_token_ = 1;
  std::deque<InFlight> in_flight_;  // oldest first
  std::uint64_t last_ticket_ = 0;
  std::chrono::steady_clock::duration commit_took_{};  // the last one
  LatencyHistogram commits_;
  std::uint64_t records_ = 0;  // that were given to the store
  bool turn_posted_ = false;
  bool in_turn_ = false;
  bool failed_ = false;
  std::optional<Time> wake_at_;
};

}  // namespace penstock::server
