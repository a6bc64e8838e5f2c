#pragma once

#include <functional>

#include "core/commands.h"
#include "core/engine.h"
#include "core/model/job_query.h"

namespace penstock::api {

/// The dialects' way to the core. Loop thread only.
///
/// A command that is answered names its caller by a token from expect(). Commands are applied in the order given, in
/// the next turn; replies come when the turn is durable.
class Core {
 public:
  using OnReply = std::function<void(core::Reply)>;

  virtual ~Core() = default;

  /// A token for one caller; `on_reply` runs at most once, on the loop's thread.
  virtual core::Token expect(OnReply on_reply) = 0;
  virtual void give(core::Command command) = 0;
  /// The caller went away: its `on_reply` will not run.
  virtual void forget(core::Token token) = 0;

  /// Brings a finished job that memory has let go of back from the store, if it is there, so that reads and commands
  /// that follow find it. Errors: unavailable.
  virtual Result<void> recall(const EndpointId& endpoint, const JobId& job) = 0;

  /// The endpoint whose job this is, wherever the job is kept. Errors: unavailable.
  virtual Result<std::optional<EndpointId>> endpoint_of(const AccountId& owner, const JobId& job) = 0;

  /// What the store has of one webhook delivery, with its content, after all commands given so far. Errors:
  /// unavailable.
  virtual Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) = 0;
  /// The same for a page of them, without content.
  virtual Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) = 0;

  // Listings from the store, as it is now. What they tell comes later, on the loop's thread. Errors: unavailable.

  /// Jobs of an endpoint.
  using OnPage = std::function<void(const Result<core::JobPage>&)>;
  virtual void list_jobs(const core::JobQuery& query, OnPage on_page) = 0;
  /// The requests of a batch, with outputs, without input and chunks.
  using OnJobs = std::function<void(const Result<std::vector<core::StoredJob>>&)>;
  virtual void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) = 0;
  /// Releases of an endpoint, the newest first.
  using OnReleases = std::function<void(const Result<std::vector<core::Release>>&)>;
  virtual void list_releases(const EndpointId& endpoint, OnReleases on_releases) = 0;
  /// Usage; MeterUsage before makes it be up to now.
  using OnUsage = std::function<void(const Result<std::vector<core::UsageRow>>&)>;
  virtual void list_usage(const core::UsageQuery& query, OnUsage on_usage) = 0;

  /// `watch` sees the records of every turn from now on, once it is durable and its callers are answered. They hold
  /// for the call only.
  using Watch = std::function<void(const std::vector<core::Record>&)>;
  virtual void watch(Watch watch) = 0;

  virtual const core::Engine& engine() const = 0;
  virtual Time now() const = 0;
};

}  // namespace penstock::api
