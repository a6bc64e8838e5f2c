#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/engine.h"
#include "core/engine_sharing.h"
#include "core/fleet/gpu_health.h"
#include "core/fleet/start_history.h"
#include "core/queue/job_queue.h"
#include "core/queue/why.h"
#include "core/records.h"
#include "core/timers.h"
#include "core/usage/meters.h"

namespace penstock::core {

// The inside of the engine. Included by the engine's own .cpp files only:
//   engine.cpp          the dispatch of commands, timers, restore, reads
//   engine_control.cpp  accounts, templates, endpoints
//   engine_account.cpp  what an account keeps besides: network volumes, secrets, registry credentials, settings
//   engine_jobs.cpp     submission, results, waiting clients
//   engine_batches.cpp  many jobs under one name
//   engine_inputs.cpp   the memory that queued jobs take
//   engine_webhooks.cpp what is told about the end of jobs
//   engine_workers.cpp  the worker protocol
//   engine_fleet.cpp    hand-out, scaling, starting and stopping workers
//   engine_why.cpp      what is told of why things are as they are
//   engine_placement.cpp  where they start
//   engine_gpus.cpp     which GPUs are fit for it
//   engine_releases.cpp versions of endpoints
//   engine_usage.cpp    what workers used, and budgets
//   engine_frozen.cpp   freezing idle workers and thawing them
//   engine_staff.cpp    what is told of workers
//   engine_starts.cpp   the phases of a worker's start
//   engine_sharing.cpp  who gets them when they are short

struct WorkerEntry;

/// Grows without moving its entries. The keys lie side by side, so a search that fails reads no entry.
template <class Key, class Entry>
using Table = boost::unordered_flat_map<Key, std::unique_ptr<Entry>, IdHash>;

using Waiters = boost::container::small_vector<Waiter*, 1>;

/// Linked: among the residents.
struct JobEntry : boost::intrusive::list_base_hook<> {
  JobEntry(Timers& timers, EndpointEntry& owner, JobRequest&& asked)
      : endpoint(owner), request(std::move(asked)), timer(timers) {}

  EndpointEntry& endpoint;
  JobRequest request;
  JobState state;
  Bytes output;  // result, or progress
  std::vector<Bytes> chunks;
  std::size_t chunk_bytes = 0;
  int chunks_handed = 0;             // chunks below it are being written to a reader, or were read
  std::map<int, int> written_ahead;  // [first, end) that were read while an earlier page is still being written
  std::int64_t arrival = 0;          // of this life; keeps its place among those queued at the same time
  std::optional<JobQueue::Place> place;
  Time waiting_since{};  // in the queue
  Time lease_until{};
  std::optional<Time> run_deadline;
  Waiters waiters;    // /runsync, /status-sync, /stream
  bool told = false;  // who waited for its end knows it
  TimerSlot timer;
};

/// A stopped job that its worker may still be running.
struct StopSignal {
  Time since{};
  std::optional<Time> told;
};

struct WorkerEntry {
  Worker worker;
  EndpointEntry* endpoint = nullptr;  // null: its endpoint was deleted and it is being ended
  boost::container::flat_map<std::string_view, JobEntry*> holding;  // by their ids
  std::map<JobId, StopSignal> stopping;
  std::optional<Time> last_ping;
  Time last_contact{};
  Time idle_since{};
  Time polled{};  // when its last job-take ended
  bool stop_sent = false;
  bool makes_room = false;       // it goes because another endpoint needs its GPUs, and that one still waits
  std::optional<Offer> offered;  // to those whose workers find no place
  bool finished_a_job = false;
  bool cannot_freeze = false;  // it was tried
  std::optional<FrozenMemory> frozen_memory;
  Waiter* take_poll = nullptr;
  Waiter* stop_poll = nullptr;
  UsageMeters::Meter* meter = nullptr;      // none: external
  UsageState usage = UsageState::starting;  // as it is metered
};

/// How many workers of an endpoint there are of each sort, at one instant.
struct Staff {
  // that take jobs, or will
  int ready = 0;
  int starting = 0;
  int managed = 0;  // of both: the server's own
  // that do not
  int frozen = 0;
  int former_release = 0;  // the server's own

  int present() const { return ready + starting; }
};

/// Why the jobs of a queue wait, while there are any.
struct Waiting {
  std::optional<WaitCode> code;
  Time since{};
};

struct BatchEntry {
  BatchEntry(Timers& timers, EndpointEntry& owner) : endpoint(owner), timer(timers) {}

  EndpointEntry& endpoint;
  Batch batch;
  std::map<std::int64_t, JobEntry*> unfinished;  // of its jobs, by arrival; of a draft they are in no queue
  int in_progress = 0;
  TimerSlot timer;  // to its end: a draft is cancelled, and what has ended is forgotten
};

struct EndpointEntry {
  explicit EndpointEntry(Timers& timers) : timer(timers) {}

  Endpoint endpoint;
  Counters counters;
  Table<std::string_view, JobEntry> jobs;                 // by their ids, which lie in the entries
  std::unordered_map<std::string_view, JobEntry*> keyed;  // of these, by idempotency key; the latest of each
  JobQueue queue;
  int inputs_away = 0;   // jobs in the queue whose input is in the store only
  int inputs_ahead = 0;  // about so many at its front have theirs
  bool reading = false;  // inputs are on their way
  Time read_again{};     // after a problem
  int in_progress = 0;
  std::map<BatchId, std::unique_ptr<BatchEntry>> batches;  // oldest first
  int batch_jobs_queued = 0;
  std::vector<WorkerEntry*> workers;   // oldest first, until each is forgotten
  std::optional<Staff> staff;          // of these, within a review and as long as nothing changes
  std::vector<WorkerEntry*> polling;   // with an open job-take, longest first
  std::vector<Placement> been;         // where it ran, the latest first
  int throttled = 0;                   // workers that are wanted and found no place
  std::optional<LinePlace> line;       // while it is throttled and there could be a place for it
  PlacementWish line_wish;             // meanwhile
  std::vector<WorkerId> room;          // workers that go for it
  std::optional<RoomLook> room_look;   // when it last sought such; none: it is to
  std::optional<EndpointId> kept_for;  // there is a free place, but for that one
  int crashes_in_a_row = 0;
  Time last_crash{};  // that was counted
  std::optional<Time> backoff_until;
  std::optional<Time> last_addition;  // by QUEUE_DELAY
  std::optional<Budget> used_up;      // the budget that keeps workers from starting, as of the last review
  Time last_request{};
  std::optional<Time> wanting_since;  // more workers are wanted than there are
  StartHistory starts;
  std::optional<ScaleDecision> last_decision;
  ScaleInputs last_inputs;
  ScaleOutcome outcome;  // of the last decision, as far as the review has come
  DecisionFilter decision_filter;
  WaitFacts wait_facts;  // as of the last review, as the two below
  Waiting waiting;
  Waiting low_priority_waiting;
  bool has_chance = false;      // is in with_chances
  bool touched = false;         // is in dirty
  std::optional<Time> look_at;  // collected while it is reviewed: when to review it again
  TimerSlot timer;
};

/// A caller that is answered later.
struct Waiter {
  Waiter(Timers& timers, Token to) : token(to), timer(timers) {}

  enum class Kind { job, stream, chunks, take, stops, refusal };

  Token token;
  Kind kind = Kind::job;
  JobEntry* job = nullptr;
  WorkerEntry* worker = nullptr;
  int max_jobs = 1;           // take
  Time since{};               // it asked
  int from = 0;               // chunks
  std::size_t bytes_max = 0;  // chunks
  Error refusal;
  TimerSlot timer;
};

/// The webhook deliveries to one scheme, host and port.
struct WebhookOrigin {
  std::deque<DeliveryEntry*> ready;  // due, longest first
  int deliveries = 0;                // pending, due or not
  int in_flight = 0;
  int unreachable_in_row = 0;
  bool listed = false;  // in ready_origins

  bool may_send(const EngineSettings& settings) const;
};

/// A pending delivery. It waits for its time (armed), for its turn (in its origin's `ready`), or is in flight.
struct DeliveryEntry {
  explicit DeliveryEntry(Timers& timers) : timer(timers) {}

  WebhookDelivery delivery;
  WebhookOrigin* origin = nullptr;
  bool complete = false;  // its content is here
  bool in_flight = false;
  TimerSlot timer;
};

class EngineState {
 public:
  EngineState(EngineSettings settings, std::vector<Node> nodes, Random& random);

  void restore(StoredState state);
  void restore_jobs(std::deque<StoredJob> stored);
  bool is_due() const { return now >= std::min(timers.next(), next_sweep); }
  void run_due_timers();
  void hand_out_touched();
  void review_dirty();
  /// A reply about a job that has not ended.
  struct Unexplained {
    Reply reply;
    JobEntry* job = nullptr;
  };
  void send_unexplained();
  void explain_and_send(Unexplained& waiting);
  void trim_residents();

  // one per command; each in the file of its subject
  void on(SaveAccount& c);
  void on(SaveApiKey& c);
  void on(SaveTemplate& c);
  void on(DeleteTemplate& c);
  void on(SaveEndpoint& c);
  void on(UpdateEndpointTemplate& c);
  void on(DeleteEndpoint& c);
  void on(Submit& c);
  void on(AwaitJob& c);
  void on(ReadStream& c);
  void on(StreamRead& c);
  void on(CancelJob& c);
  void on(RetryJob& c);
  void on(PurgeQueue& c);
  void on(LowerTtl& c);
  void on(RecallJob& c);
  void on(TakeJobs& c);
  void on(HandOutLost& c);
  void on(PollStops& c);
  void on(FinishJob& c);
  void on(ReportProgress& c);
  void on(AddChunk& c);
  void on(Ping& c);
  void on(AttachWorker& c);
  void on(DetachWorker& c);
  void on(WorkerStarted& c);
  void on(WorkerStartFailed& c);
  void on(WorkerExited& c);
  void on(Forget& c);
  void on(Tick& c);
  void on(Shutdown& c);
  void on(SaveVolume& c);
  void on(DeleteVolume& c);
  void on(SaveSecret& c);
  void on(DeleteSecret& c);
  void on(SaveCredential& c);
  void on(DeleteCredential& c);
  void on(UpdateSettings& c);
  void on(WebhookPosted& c);
  void on(RedeliverWebhook& c);
  void on(SaveWebhookSecret& c);
  void on(ReadChunks& c);
  void on(CreateBatch& c);
  void on(RenameBatch& c);
  void on(AddToBatch& c);
  void on(RemoveFromBatch& c);
  void on(FinalizeBatch& c);
  void on(CancelBatch& c);
  void on(ReportGpus& c);
  void on(QuarantineGpu& c);
  void on(ReleaseGpu& c);
  void on(InputsRead& c);
  void on(RollBack& c);
  void on(MeterUsage& c);
  void on(SaveBudget& c);
  void on(WorkerFrozen& c);
  void on(WorkerFreezeFailed& c);
  void on(WorkerThawed& c);

  // ---- replies and waiting callers (engine.cpp)
  template <class What>
  void reply(Token to, What&& what) {
    if (to != 0) fx->replies.emplace_back(to, std::forward<What>(what));
  }
  void reply_error(Token to, Errc code, std::string message) { reply(to, Error{code, std::move(message)}); }
  /// A reply about a job. The reason why it waits is put in at the end of the turn, when it is known.
  template <class What>
  void reply_about(JobEntry& job, Token to, What&& what) {
    if (is_terminal(job.state.status)) return reply(to, std::forward<What>(what));
    if (to != 0) unexplained.push_back({Reply{to, std::forward<What>(what)}, &job});
  }
  Waiter& add_waiter(Token to, Waiter::Kind kind, Time deadline);
  void drop_waiter(Waiter& waiter);
  void waiter_due(Waiter& waiter);

  // ---- look-ups that answer the caller themselves when nothing is found (engine.cpp)
  EndpointEntry* endpoint_or_refuse(const EndpointId& id, Token to);
  JobEntry* job_or_refuse(const EndpointId& endpoint, const JobId& job, Token to);
  WorkerEntry* worker_of(const EndpointId& endpoint, const WorkerId& worker);
  JobEntry* find(const EndpointId& endpoint, const JobId& job) const;
  JobEntry* find(const EndpointEntry& entry, const JobId& job) const;
  JobEntry* find_keyed(const EndpointEntry& entry, std::string_view idempotency_key) const;

  // ---- control plane (engine_control.cpp)
  Result<Template> checked_template(const AccountId& owner, const TemplateInput& input, std::string_view taken_message);
  void put_template(Template value);
  Result<TemplateId> bindable_template(const std::string& id, const Endpoint& binder) const;
  Error check_quota(const Endpoint& endpoint) const;
  void bind_template(const Endpoint& endpoint, const std::optional<TemplateId>& before);
  void bump_release(EndpointEntry& entry);
  void put_endpoint(EndpointEntry& entry);
  void forgive_crashes(EndpointEntry& entry);

  // ---- releases (engine_releases.cpp)
  void note_release(const EndpointEntry& entry, const ReleaseSettings* before,
                    std::optional<int> rollback_of = std::nullopt);
  ReleaseSettings settings_now(const EndpointEntry& entry) const;
  Result<Template> template_for(const Release& release, const Endpoint& endpoint) const;
  void restore_releases(const std::vector<std::pair<EndpointId, int>>& newest);

  // ---- usage (engine_usage.cpp)
  static UsageState usage_of(const WorkerEntry& worker);
  void meter_begins(WorkerEntry& worker, Time since);
  /// To be called whenever what usage_of() says may have changed.
  void note_usage(WorkerEntry& worker);
  void meter_ends(WorkerEntry& worker);
  void save_usage(std::vector<UsageRow> rows);
  void restore_fleet(const StoredState& stored);
  void restore_usage();
  void sweep_usage();
  std::optional<Budget> used_up_budget(EndpointEntry& entry);
  void touch_all(const AccountId& owner);
  void stop_for_budget(EndpointEntry& entry);
  void lower_when_unused(EndpointEntry& entry);

  // ---- account (engine_account.cpp)
  Result<std::vector<VolumeId>> usable_volumes(const std::vector<std::string>& names, const AccountId& owner) const;
  /// The one of the endpoint's volumes that a worker placed there gets; empty: none.
  VolumeId volume_at(const Endpoint& endpoint, const Placement& placement) const;
  std::vector<SealedSecret> secrets_for(const std::vector<EnvVar>& env, const AccountId& owner) const;

  // ---- jobs (engine_jobs.cpp)
  JobEntry& admit(EndpointEntry& entry, JobRequest&& request);
  void bring_in(EndpointEntry& entry, StoredJob stored);
  void answer_again(Submit& c, JobEntry& first);
  void await(JobEntry& job, Token to, Millis wait);
  void changed(JobEntry& job, bool sets_output = false);
  void cursor_moved(JobEntry& job);
  void enqueue(JobEntry& job);
  void leave_queue(JobEntry& job);
  void leave_worker(JobEntry& job);
  void finalise(JobEntry& job, JobStatus status, Bytes output, std::optional<std::string> error);
  void lose_attempt(JobEntry& job, const std::string& why);
  void job_due(JobEntry& job);
  void arm(JobEntry& job);
  void answer_job_waiters(JobEntry& job);
  void feed_streams(JobEntry& job);
  StreamPage take_page(JobEntry& job);
  void signal_stop(WorkerEntry& worker, const JobId& job);
  void keep_resident(JobEntry& job);
  void leave_residents(JobEntry& job);
  void let_go(JobEntry& job);
  WaitReason wait_reason(const JobEntry& job) const;
  Millis execution_timeout(const JobEntry& job) const;
  Millis ran_for(const JobEntry& job) const;
  Millis retention(const JobEntry& job) const;
  Millis lease() const { return settings.ping_interval * settings.lease_pings; }

  // ---- batches (engine_batches.cpp)
  BatchEntry* batch_of(const JobEntry& job) const;
  BatchEntry* batch_or_refuse(const EndpointId& endpoint, const BatchId& batch, Token to);
  BatchEntry* draft_or_refuse(const EndpointId& endpoint, const BatchId& batch, Token to);
  std::optional<Error> too_much(const Batch& batch, const std::vector<JobRequest>& requests) const;
  std::vector<JobId> add_requests(BatchEntry& entry, std::vector<JobRequest> requests);
  void cancel_batch(BatchEntry& entry);
  void settle_batch(BatchEntry& entry);
  void save_batch(BatchEntry& entry);
  void request_ended(const JobEntry& job);
  void request_retried(JobEntry& job);
  bool recall_into_batch(JobEntry& job);
  bool is_given_up(const JobEntry& job) const;
  void restore_batches(std::vector<Batch> stored);
  void batch_due(BatchEntry& entry);
  Time expiry(const JobEntry& job) const;
  // ---- inputs (engine_inputs.cpp)
  void count_input(const JobEntry& job, int sign);
  void spare_input(JobEntry& job);
  void read_ahead(EndpointEntry& entry);

  // ---- webhooks (engine_webhooks.cpp)
  void announce_end(const JobEntry& job);
  DeliveryEntry& add_delivery(WebhookDelivery delivery);
  void delivery_due(DeliveryEntry& entry);
  static void leave_content(DeliveryEntry& entry);
  void list_origin(WebhookOrigin& origin);
  void pump_webhooks();
  void settle_delivery(DeliveryEntry& entry);
  void restore_deliveries(std::vector<WebhookDelivery> stored);
  void check_deliveries() const;

  // ---- workers (engine_workers.cpp)
  WorkerEntry& add_worker(Worker worker, EndpointEntry& entry);
  void heard_from(WorkerEntry& worker);
  void forget_worker(WorkerEntry& worker);
  void answer_polls(WorkerEntry& worker);
  bool tell_stops(WorkerEntry& worker);
  void refuse_unknown_worker(Token to, const WorkerId& worker);

  // ---- starts (engine_starts.cpp)
  static bool is_ready(const WorkerEntry& worker) { return worker.worker.start.polled.has_value(); }
  void begin_start(EndpointEntry& entry, Worker& worker, StartKind kind);
  void launched(Worker& worker, Millis took);
  bool note_first_poll(WorkerEntry& worker);
  void note_first_job(WorkerEntry& worker);
  void recall_start(EndpointEntry& entry, Worker& worker);

  // ---- frozen workers (engine_frozen.cpp)
  static bool is_frozen(const WorkerEntry& worker);
  bool freezes(const EndpointEntry& entry) const;
  bool retire(WorkerEntry& worker);
  void freeze(WorkerEntry& worker, const std::string& why);
  void thaw(WorkerEntry& worker);
  bool thaw_one(EndpointEntry& entry);
  bool may_unpark(EndpointEntry& entry, const WorkerEntry& worker) const;
  void review_frozen(WorkerEntry& worker);
  void review_thawed(WorkerEntry& worker);
  void keep_within_max(EndpointEntry& entry);
  void check_frozen() const;

  // ---- fleet (engine_fleet.cpp)
  /// Something about the endpoint changed: its jobs have a chance when the command is done, and it is reviewed at the
  /// end of the turn.
  void touch(EndpointEntry& entry) {
    if (!std::exchange(entry.has_chance, true)) with_chances.push_back(&entry);
    if (!std::exchange(entry.touched, true)) dirty.push_back(&entry);
    entry.staff.reset();
  }
  void review(EndpointEntry& entry);
  void dispatch(EndpointEntry& entry);
  WorkerEntry* choose_poll(EndpointEntry& entry) const;
  void hand_out(WorkerEntry& worker, int count);
  void review_workers(EndpointEntry& entry);
  void review_absent(WorkerEntry& worker);
  void review_stop_signals(WorkerEntry& worker);
  void stop_idle(EndpointEntry& entry);
  void note_waits(EndpointEntry& entry);
  void stop_surplus(EndpointEntry& entry);
  ScaleInputs scale_inputs(const EndpointEntry& entry) const;
  void scale(EndpointEntry& entry);
  ScaleOutcome add_workers(EndpointEntry& entry, const ScaleDecision& decision, int present);
  void record_decision(EndpointEntry& entry);
  bool start_worker(EndpointEntry& entry);
  PlacementWish placement_wish(const EndpointEntry& entry) const;
  void remember_place(EndpointEntry& entry, const Placement& placement);
  void restore_places(std::vector<EndpointPlaces>&& stored);
  void recall_place(EndpointEntry& entry, const Placement& placement);
  void drain(WorkerEntry& worker, const std::string& why, std::optional<Millis> grace = std::nullopt);
  void send_stop(WorkerEntry& worker, Millis grace);
  void crashed(EndpointEntry& entry, const WorkerEntry& worker, const std::string& why);
  void look_again(EndpointEntry& entry, Time at);
  EndpointSituation situation(const EndpointEntry& entry, Time at) const;
  JobSituation situation(const JobEntry& job, Time at) const;
  bool is_present(const WorkerEntry& worker) const;
  Staff count_staff(const EndpointEntry& entry) const;
  Staff staff_of(const EndpointEntry& entry) const { return entry.staff ? *entry.staff : count_staff(entry); }

  // ---- sharing (engine_sharing.cpp)
  Need need_of(const EndpointEntry& entry, int coming = 0) const;
  LinePlace line_place(EndpointEntry& entry) const;
  void keep_in_line(EndpointEntry& entry, bool started_some);
  void step_back(EndpointEntry& entry);
  void leave_line(EndpointEntry& entry);
  const EndpointEntry* kept_for(EndpointEntry& entry, const PlacementWish& wish) const;
  const EndpointEntry* kept_for(EndpointEntry& entry, const PlacementWish& wish, Fleet& trial) const;
  void share_out();
  bool is_kept_for_one_ahead(const EndpointEntry& entry) const;
  void release_room(const EndpointEntry& entry, Fleet& trial) const;
  std::optional<Holder> holder_of(const WorkerEntry& worker) const;
  std::vector<Holder> holders_for(const EndpointEntry& entry) const;
  bool is_idle(const WorkerEntry& worker) const;
  static int always_kept(const EndpointEntry& entry);
  Millis look_interval() const;
  void seek_room(EndpointEntry& entry);
  void ask_to_go(WorkerEntry& worker, EndpointEntry& entry, Need need, std::vector<Holder>& holders);
  std::string room_text(const EndpointEntry& entry) const;
  void offer(const EndpointEntry& owner, const WorkerEntry& worker);
  void offer_idle(const EndpointEntry& entry);
  void check_line() const;

  // ---- GPUs (engine_gpus.cpp)
  void apply_gpu_health(std::vector<GpuHealth::Change> changes);
  void sync_blocked_gpus();
  /// One of its GPUs that no worker may have; none: all are fit.
  std::optional<std::string> bad_gpu(const WorkerEntry& worker) const;
  void job_died(const WorkerEntry& worker, const JobEntry& job);

  EngineSettings settings;
  Random& random;
  TimeOrderedUuids uuids{random};
  Fleet fleet;
  GpuHealth gpu_health;
  std::set<LinePlace> line;
  std::uint64_t line_numbers = 0;
  bool share_due = false;  // what is free, or the line, changed
  Timers timers;
  UsageMeters meters;
  std::map<std::pair<AccountId, EndpointId>, Budget> budgets;
  std::map<AccountId, Time> accounts_stopped;  // whose budget is used up: until when all of them know

  Time now{};
  Effects* fx = nullptr;
  Time started{};                 // attempts older than this were handed out by an earlier server process
  std::vector<Absence> absences;  // of the server, before it started
  bool shut_down = false;
  Time shut_down_at{};

  std::map<AccountId, Account> accounts;
  std::unordered_map<std::string, ApiKey> keys;  // by hash
  std::map<TemplateId, Template> templates;
  std::vector<TemplateId> template_order;
  Table<EndpointId, EndpointEntry> endpoints;
  std::vector<EndpointEntry*> endpoint_order;
  std::uint64_t last_revision = 0;  // of endpoints
  Table<WorkerId, WorkerEntry> workers;
  std::vector<WorkerEntry*> frozen;  // longest first
  boost::unordered_flat_map<Token, std::unique_ptr<Waiter>> waiters;
  boost::intrusive::list<JobEntry> residents;  // ended jobs: those that were told, then the longest finished first
  std::size_t residents_told = 0;
  std::size_t resident_bytes = 0;
  std::size_t queued_bytes = 0;  // inputs in memory of jobs in queues
  std::map<VolumeId, NetworkVolume> volumes;
  std::vector<VolumeId> volume_order;
  std::map<SecretId, Secret> secrets;
  std::vector<SecretId> secret_order;
  std::map<CredentialId, RegistryCredential> credentials;
  std::vector<CredentialId> credential_order;
  std::map<std::string, WebhookOrigin> webhook_origins;
  std::deque<WebhookOrigin*> ready_origins;                                   // may send, in turns
  std::unordered_map<DeliveryId, std::unique_ptr<DeliveryEntry>> deliveries;  // pending
  int webhooks_in_flight = 0;
  WebhookCounts webhook_counts;  // of what has ended
  int webhooks_open = 0;         // unfinished jobs with a webhook, and pending deliveries
  Time next_sweep{};
  std::int64_t last_arrival = 0;
  std::int64_t arrivals_before_turn = 0;
  std::vector<EndpointEntry*> with_chances;
  std::vector<EndpointEntry*> dirty;
  std::vector<Unexplained> unexplained;
};

std::int64_t payload_bytes(const JobEntry& job);
/// Without the reason why it waits.
JobView view_of(const JobEntry& job);
ChunkPage chunk_page(const JobEntry& job, int from, std::size_t bytes_max);

}  // namespace penstock::core
