#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "core/commands.h"
#include "core/fleet/fleet.h"
#include "core/fleet/gpu_reading.h"
#include "core/fleet/start_history.h"
#include "core/model/usage.h"
#include "core/outcomes.h"
#include "core/queue/why.h"
#include "core/settings.h"

namespace penstock::core {

/// contract/data-plane 1.5, /health.
struct Health {
  Counters jobs;
  int in_queue = 0;
  int in_progress = 0;
  int idle = 0;
  int initializing = 0;
  int ready = 0;
  int running = 0;
  int throttled = 0;
  int unhealthy = 0;
};

enum class WorkerStatus { initializing, idle, running, draining, frozen };
std::string_view to_text(WorkerStatus status);

struct WorkerView {
  Worker worker;
  WorkerStatus status = WorkerStatus::initializing;
  int jobs = 0;
  std::optional<FrozenMemory> frozen_memory;
};

/// How much an endpoint has to do and who does it, at one instant.
struct EndpointLoad {
  std::string id;
  Counters jobs;
  int in_queue = 0;
  int low_priority_queued = 0;  // of these
  int batch_queued = 0;         // of these, and of no low priority
  int in_progress = 0;
  Millis oldest_wait{};          // of a queued job; 0: none waits
  std::array<int, 5> workers{};  // by WorkerStatus
  int throttled = 0;
  int crashes_in_a_row = 0;
};

struct WebhookCounts {
  std::size_t pending = 0;
  int in_flight = 0;
  // since the start
  std::uint64_t delivered = 0;  // posts
  std::uint64_t failed = 0;     // posts
  std::uint64_t given_up = 0;   // deliveries
};

struct MemoryCounts {
  std::size_t jobs = 0;  // ended ones included
  std::size_t result_bytes = 0;
  std::size_t waiting_callers = 0;
};

/// Workers of an endpoint that are wanted and found no place.
struct Throttled {
  int workers = 0;
  std::string reason;         // in words
  std::optional<Time> since;  // none: this server could never place them
};

class EngineState;

/// A GPU of one of the fleet's nodes, as it is now. Pointers hold until the next apply().
struct GpuView {
  std::string id;  // its UUID, or node:index
  const Node* node = nullptr;
  const GpuDevice* gpu = nullptr;
  const GpuReading* reading = nullptr;      // null: the driver said nothing
  const GpuMark* quarantine = nullptr;      // null: it is in none
  bool missing = false;                     // the driver does not list it any more
  std::vector<const Worker*> workers = {};  // that have it
};

/// All the rules of the system as one deterministic state machine: no I/O, no clock, no threads. Equal settings, random
/// source, commands and times give equal effects.
///
/// One owner, one thread. The owner applies commands, commits `records`, then sends `replies` and gives `orders`; and
/// applies Tick when next_wakeup() has come.
class Engine {
 public:
  /// `random` makes identifiers and must outlive the engine.
  Engine(EngineSettings settings, std::vector<Node> nodes, Random& random);
  ~Engine();

  /// Takes over what a store kept. Once, before the first apply().
  void restore(Time now, StoredState state, Effects& effects);

  /// A turn of one command. `now` never goes back. Appends to `effects`.
  void apply(Time now, Command command, Effects& effects);
  /// A turn of several: jobs are handed out after each command, and what an endpoint needs besides (workers to start or
  /// to stop, why jobs wait) is settled once, by end_turn(). Answers that say why a job waits leave with it. Nothing of
  /// a turn may leave before its end.
  void apply_in_turn(Time now, Command&& command, Effects& effects);
  void end_turn(Effects& effects);

  /// When to apply Tick if nothing else happens before.
  std::optional<Time> next_wakeup() const;

  // Reads. Pointers and views hold until the next apply().
  const EngineSettings& settings() const;
  const Fleet& fleet() const;
  std::vector<GpuView> gpus() const;
  /// Marks of GPUs that no node has (any more).
  std::vector<const GpuMark*> gone_gpus() const;
  const Account* first_account() const;
  const Account* find_account(const AccountId& id) const;
  const ApiKey* find_key(const std::string& hash) const;
  std::vector<const ApiKey*> keys_of(const AccountId& account) const;  // oldest first
  const Endpoint* find_endpoint(const EndpointId& id) const;
  std::vector<const Endpoint*> endpoints_of(const AccountId& owner) const;  // oldest first
  const Template* find_template(const TemplateId& id) const;
  std::vector<const Template*> templates_of(const AccountId& owner) const;  // oldest first
  std::vector<const Template*> public_templates() const;                    // of everybody, oldest first
  const NetworkVolume* find_volume(const VolumeId& id) const;
  /// The one of the endpoint's volumes that a worker placed there has; empty: none.
  VolumeId volume_at(const Endpoint& endpoint, const Placement& placement) const;
  std::vector<const NetworkVolume*> volumes_of(const AccountId& owner) const;  // oldest first
  const Secret* find_secret(const SecretId& id) const;
  std::vector<const Secret*> secrets_of(const AccountId& owner) const;  // oldest first
  const RegistryCredential* find_credential(const CredentialId& id) const;
  std::vector<const RegistryCredential*> credentials_of(const AccountId& owner) const;  // oldest first

  /// Whether the job is in memory. A job that is not may still be in the store: RecallJob brings it back.
  bool has_job(const EndpointId& endpoint, const JobId& job) const;
  /// The same for the job of an idempotency key.
  bool has_key(const EndpointId& endpoint, std::string_view idempotency_key) const;
  /// Whether the input of the job that has_key() knows is in the store only: InputsRead brings it, before a submission
  /// with that key.
  bool lacks_input(const EndpointId& endpoint, std::string_view idempotency_key) const;
  /// Errors: not_found (never submitted here, or forgotten).
  Result<JobView> find_job(Time now, const EndpointId& endpoint, const JobId& job) const;
  /// The endpoint whose job it is, while the job is in memory. Looks at every endpoint: for people, not for programs.
  std::optional<EndpointId> endpoint_of(const AccountId& owner, const JobId& job) const;
  /// In words why the jobs of an endpoint wait, or one job does, and what would unblock them. Errors: not_found.
  Result<Why> why(Time now, const EndpointId& endpoint) const;
  Result<Why> why(Time now, const EndpointId& endpoint, const JobId& job) const;
  /// Errors: not_found.
  Result<BatchView> find_batch(const EndpointId& endpoint, const BatchId& batch) const;
  std::vector<BatchView> batches_of(const EndpointId& endpoint) const;  // newest first
  /// Errors: not_found.
  Result<Health> health(const EndpointId& endpoint) const;
  /// Nothing when every wanted worker has its place.
  std::optional<Throttled> throttled(const EndpointId& endpoint) const;
  std::vector<WorkerView> workers_of(const EndpointId& endpoint) const;  // oldest first
  /// Cold starts, of each kind that there was.
  std::vector<StartFigures> starts_of(const EndpointId& endpoint) const;
  const Worker* find_worker(const WorkerId& id) const;
  // For metrics: these walk all endpoints and their workers.
  std::vector<EndpointLoad> loads(Time now) const;  // the oldest endpoint first
  WebhookCounts webhook_counts() const;
  MemoryCounts memory_counts() const;
  /// Of an endpoint, or with an empty one of the account.
  const Budget* find_budget(const AccountId& owner, const EndpointId& endpoint) const;
  Spent spent_today(Time now, const AccountId& owner, const EndpointId& endpoint) const;
  /// Posts that were wanted and whose end was not told yet.
  int webhooks_in_flight() const;
  /// Workers that were told to stop and have not exited yet.
  int stopping_workers() const;

  /// Aborts when an internal rule is broken (counters against tables, indexes against states). For tests.
  void check_invariants() const;

 private:
  std::unique_ptr<EngineState> state_;
};

}  // namespace penstock::core
