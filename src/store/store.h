#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "core/model/batch.h"
#include "core/model/job_query.h"
#include "core/outcomes.h"
#include "core/records.h"

namespace penstock::store {

/// What a store has to tell about itself.
struct StoreStats {
  std::uint64_t log_bytes = 0;     // appended since it was opened
  std::uint64_t turns_behind = 0;  // begun, and not in the tables
  std::uint64_t bytes_behind = 0;
  std::chrono::milliseconds behind_for{};  // since the oldest of them was handed to the tables
};

/// The journal: durable state behind one interface. A turn is the list of records that the core produced between two
/// commits; the loop commits it and only then sends the answers that depend on it.
///
/// Owned by the loop and called on its thread only. A store may not lose, reorder or half-apply a turn
/// (tests/contract/store_contract.cpp holds every implementation to that).
class Store {
 public:
  virtual ~Store() = default;

  /// The state that the committed turns left. Called once, before the first commit. Errors: unavailable (cannot be
  /// read, damaged, or written by a newer version; the message says what to do).
  virtual Result<core::StoredState> load() = 0;

  /// One job with its payloads and chunks, terminal or not; nothing when there is none of this id in that endpoint.
  /// Terminal jobs are asked for here once the core has let go of them. Errors: unavailable.
  virtual Result<std::optional<core::StoredJob>> find_job(const EndpointId& endpoint, const JobId& job) = 0;

  /// The same for the latest job with this idempotency key in that endpoint, forgotten ones aside. Errors: unavailable.
  virtual Result<std::optional<core::StoredJob>> find_keyed_job(const EndpointId& endpoint,
                                                                const std::string& idempotency_key) = 0;

  /// The endpoint whose job this is, terminal or not. Errors: unavailable.
  virtual Result<std::optional<EndpointId>> endpoint_of(const JobId& job) = 0;

  /// One webhook delivery with its input and output, pending or settled. Errors: unavailable.
  virtual Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) = 0;

  /// Webhook deliveries of one account, newest first, without input and output, as they were a moment ago: what was
  /// committed last may be missing (LocalStoreOptions::apply_after). Errors: unavailable.
  virtual Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) = 0;

  // Listings, after all turns that were begun. What they tell may come later, on another thread. Errors: unavailable.

  /// Releases of an endpoint, the newest first.
  using OnReleases = std::function<void(Result<std::vector<core::Release>>)>;
  virtual void list_releases(const EndpointId& endpoint, OnReleases on_releases) = 0;

  /// Usage of an account, by hour, endpoint and pool.
  using OnUsage = std::function<void(Result<std::vector<core::UsageRow>>)>;
  virtual void list_usage(const core::UsageQuery& query, OnUsage on_usage) = 0;

  /// Jobs of an endpoint, the newest first.
  using OnPage = std::function<void(Result<core::JobPage>)>;
  virtual void list_jobs(const core::JobQuery& query, OnPage on_page) = 0;

  /// The requests of a batch in the order in which they were added, with outputs, without input and
  /// chunks.
  using OnJobs = std::function<void(Result<std::vector<core::StoredJob>>)>;
  virtual void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) = 0;

  /// Of the listings that are still to come none is told when this returns.
  virtual void stop_listing() {}

  /// Makes the turn durable, all of it or nothing, before it returns. An empty turn costs nothing. Errors: unavailable
  /// (disk full, I/O error); the turn is then not applied.
  virtual Result<void> commit(std::span<const core::Record> turn) = 0;
  Result<void> commit(std::initializer_list<core::Record> turn) { return commit(std::span(turn)); }

  /// The same without waiting for the disk: the turn is there for every read at once, and durable when `done` is
  /// called. That may be on another thread; turns become durable in their order, and after an error none does any more.
  /// On a full disk that may take until there is space, unless the store is closed or commit() is called before.
  /// This one calls it before it returns.
  using Done = std::function<void(const Result<void>&)>;
  virtual void commit_later(std::span<const core::Record> turn, Done done) { done(commit(turn)); }

  /// Reads inputs, those first that were asked for first, until there are about `bytes_max`. What was committed is
  /// there, durable or not. A job that is not there has a null input. The answer may come on another thread, or never
  /// if the store is closed before. Errors: unavailable.
  using OnInputs = std::function<void(Result<std::vector<core::JobInput>>)>;
  virtual void read_inputs(core::ReadInputs wanted, OnInputs done) {
    std::vector<core::JobInput> found;
    for (const JobId& job : wanted.jobs) {
      const auto stored = find_job(wanted.endpoint, job);
      if (!stored) return done(tl::unexpected(stored.error()));
      const bool known = stored->has_value();
      found.push_back(
          {job, known ? (*stored)->request.input : nullptr, known ? (*stored)->request.s3_config : nullptr});
    }
    done(std::move(found));
  }

  /// Whether the next turn may bring about `bytes` of new work. False when the disk is nearly full: what is left is for
  /// work that was accepted. Becomes true again by itself.
  virtual bool has_room(std::uint64_t) { return true; }

  /// Frees a little of the memory that nothing needs any more, as every commit does: for when none comes. True: there
  /// is more.
  virtual bool tidy() { return false; }

  virtual StoreStats stats() { return {}; }
};

}  // namespace penstock::store
