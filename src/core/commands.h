#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/control/inputs.h"
#include "core/fleet/gpu_reading.h"
#include "core/outcomes.h"

namespace penstock::core {

// One command is one thing that happened outside the core. `to` names the caller; it gets exactly one reply (Error when
// the command is refused, and then nothing has changed), at once or later. Reads that change nothing are no commands:
// they are const functions of the engine.

// ---- account and control plane

struct SaveAccount {
  Account account;
};
struct SaveApiKey {
  ApiKey key;
};
/// Reply: TemplateReply.
struct SaveTemplate {
  Token to = 0;
  AccountId owner;
  TemplateInput input;
};
/// Reply: Done.
struct DeleteTemplate {
  Token to = 0;
  AccountId owner;
  std::string name;
};
/// Reply: EndpointReply.
struct SaveEndpoint {
  Token to = 0;
  AccountId owner;
  EndpointInput input;
};
/// Reply: EndpointReply.
struct UpdateEndpointTemplate {
  Token to = 0;
  AccountId owner;
  std::string endpoint;
  std::string template_id;
};
/// Reply: Done.
struct DeleteEndpoint {
  Token to = 0;
  AccountId owner;
  std::string id;
};
/// Reply: VolumeReply.
struct SaveVolume {
  Token to = 0;
  AccountId owner;
  VolumeInput input;
};
/// Reply: Done. What it holds is gone.
struct DeleteVolume {
  Token to = 0;
  AccountId owner;
  std::string id;
};
/// Reply: SecretReply.
struct SaveSecret {
  Token to = 0;
  AccountId owner;
  SecretInput input;
};
/// Reply: Done. Workers that name it no longer start.
struct DeleteSecret {
  Token to = 0;
  AccountId owner;
  std::string id;
};
/// Reply: CredentialReply.
struct SaveCredential {
  Token to = 0;
  AccountId owner;
  CredentialInput input;
};
/// Reply: Done. Templates that name it go on without one.
struct DeleteCredential {
  Token to = 0;
  AccountId owner;
  std::string id;
};
/// Reply: Done. A setting that is absent or null stays.
struct UpdateSettings {
  Token to = 0;
  AccountId owner;
  Field<std::string> pub_key;
};

// ---- jobs, from clients

/// With `wait`, the reply is JobReply when the job is terminal or the wait is over (/runsync). Without, JobAccepted.
/// With the idempotency key of a job that is there, the reply is about that job and there is no other. Errors:
/// key_reused (its input is another). Before, the owner recalls the job of a key that the engine does not know.
struct Submit {
  Token to = 0;
  JobRequest request;  // id and created are set by the engine
  std::optional<Millis> wait;
};
/// Reply: JobReply when the job is terminal or the wait is over.
struct AwaitJob {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
  Millis wait{};
};
/// Reply: StreamPage as soon as there is a chunk or the job is terminal, or when the wait is over.
struct ReadStream {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
  Millis wait{};
};
/// What became of a StreamPage with chunks: written to a live connection, or not.
struct StreamRead {
  EndpointId endpoint;
  JobId job;
  int attempt = 0;
  int first = 0;
  int count = 0;
  bool written = false;
};
/// A reader with a place of its own, beside the cursor of /stream. Reply: ChunkPage as soon as there is a chunk from
/// `from` on or the job is terminal, or when the wait is over.
struct ReadChunks {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
  int from = 0;               // index in the present attempt
  std::size_t bytes_max = 0;  // of a page; one chunk is given however large it is
  Millis wait{};
};
/// Reply: JobReply. A terminal job is left as it is.
struct CancelJob {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
};
/// Reply: JobReply. Errors: conflict unless FAILED or TIMED_OUT.
struct RetryJob {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
};
/// Reply: Purged.
struct PurgeQueue {
  Token to = 0;
  EndpointId endpoint;
};
/// /status?ttl=: a terminal job is forgotten sooner, another one expires sooner. Never later. Reply: JobReply.
struct LowerTtl {
  Token to = 0;
  EndpointId endpoint;
  JobId job;
  Millis ttl{};
};
/// A terminal job that the engine had let go of comes back from the store.
struct RecallJob {
  StoredJob job;
};

// ---- batches (contract/data-plane 1.11). Reply: BatchReply, from each

/// Errors: invalid (too many or too large), busy (too many batches).
struct CreateBatch {
  Token to = 0;
  EndpointId endpoint;
  std::vector<JobRequest> requests;
};
/// The name is for people. Errors: not_found.
struct RenameBatch {
  Token to = 0;
  EndpointId endpoint;
  BatchId batch;
  std::string name;
};
/// Errors: not_found, conflict (no draft), invalid, busy.
struct AddToBatch {
  Token to = 0;
  EndpointId endpoint;
  BatchId batch;
  std::vector<JobRequest> requests;
};
/// Errors: not_found, conflict (no draft).
struct RemoveFromBatch {
  Token to = 0;
  EndpointId endpoint;
  BatchId batch;
  JobId job;
};
/// All of its requests are queued. Errors: not_found, conflict (no draft, or nothing in it), busy (a full queue).
struct FinalizeBatch {
  Token to = 0;
  EndpointId endpoint;
  BatchId batch;
};
/// What waits is cancelled, what runs may end. One that has ended stays as it is. Errors: not_found.
struct CancelBatch {
  Token to = 0;
  EndpointId endpoint;
  BatchId batch;
};

/// What came of ReadInputs, as far as it was read; or of a look into the store for one job (`ahead` false).
struct InputsRead {
  EndpointId endpoint;
  std::vector<JobInput> inputs;
  std::optional<std::string> problem;  // the store could not be read; it is tried again
  bool ahead = true;
};

// ---- workers (contract/data-plane 2)

/// Long poll. Reply: HandOuts with at most `max_jobs`.
struct TakeJobs {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
  int max_jobs = 1;
  bool says_busy = false;  // job_in_progress=1
};
/// A hand-out could not be written: the worker never saw these jobs, so no attempt is counted.
struct HandOutLost {
  EndpointId endpoint;
  WorkerId worker;
  std::vector<std::pair<JobId, int>> jobs;  // with the attempt
};
/// Long poll. Reply: StopList.
struct PollStops {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
};
/// Reply: Done, also when the result is late, a duplicate or from a lost attempt: it is then ignored.
struct FinishJob {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
  JobId job;
  Bytes output;                      // null: none
  std::optional<std::string> error;  // present: the job FAILED
  bool recycle_worker = false;       // stopPod
};
/// Reply: Done.
struct ReportProgress {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
  JobId job;
  Bytes output;
};
/// Reply: Done.
struct AddChunk {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
  JobId job;
  Bytes chunk;
};
struct Ping {
  EndpointId endpoint;
  WorkerId worker;
  std::vector<JobId> jobs;
  std::optional<std::string> unhealthy;  // a failed fitness check: what and why
};
/// A worker that the user starts. Reply: WorkerAttached.
struct AttachWorker {
  Token to = 0;
  EndpointId endpoint;
};
/// Reply: Done. Its jobs go to others at once. Errors: not_found (no such external worker).
struct DetachWorker {
  Token to = 0;
  EndpointId endpoint;
  WorkerId worker;
};

// ---- from the launcher

/// The process runs. It took the launcher `took` from the order to here.
struct WorkerStarted {
  WorkerId worker;
  std::string handle;
  StartKind kind = StartKind::spawned;
  Millis took{0};
};
/// Memory of a frozen worker and its helpers.
struct FrozenMemory {
  std::int64_t resident_bytes = 0;
  std::int64_t swapped_bytes = 0;  // reclaimed: it lies in swap
};
/// It is stopped; and again when its memory was reclaimed.
struct WorkerFrozen {
  WorkerId worker;
  bool gpu_parked = false;
  FrozenMemory memory;
};
struct WorkerFreezeFailed {
  WorkerId worker;
  std::string reason;
};
struct WorkerThawed {
  WorkerId worker;
  Millis took{0};
};
struct WorkerStartFailed {
  WorkerId worker;
  std::string reason;
};
struct WorkerExited {
  WorkerId worker;
  std::optional<int> exit_code;
  std::string cause;
};

// ---- webhooks

/// How a PostWebhook ended.
struct WebhookPosted {
  DeliveryId id;
  std::optional<int> code;  // HTTP status; none: no answer
  std::string error;        // why there is no answer
};
/// Begins a new round of a delivery, as the store knows it. Reply: DeliveryReply. Errors: not_found (forgotten, or
/// somebody else's), conflict (being sent right now).
struct RedeliverWebhook {
  Token to = 0;
  AccountId owner;
  WebhookDelivery delivery;
};
/// The key that signs the account's webhooks, sealed. The one before is kept for those who still verify with it. Reply:
/// Done.
struct SaveWebhookSecret {
  Token to = 0;
  AccountId owner;
  std::string sealed;
};

// ---- GPUs

/// What the driver says of the GPUs of this machine.
struct ReportGpus {
  GpuReadings readings;
};
/// No worker gets it until it is released. Reply: Done. Errors: not_found, conflict (it is already).
struct QuarantineGpu {
  Token to = 0;
  std::string gpu;
  std::string reason;
};
/// Reply: Done. Errors: not_found, conflict (it is not quarantined, or not there).
struct ReleaseGpu {
  Token to = 0;
  std::string gpu;
};

// ---- releases and usage

/// Makes a release that is as an earlier one was, as the store knows it. Reply: EndpointReply. Errors: not_found,
/// conflict (it is what runs now, or what it needs is gone).
struct RollBack {
  Token to = 0;
  AccountId owner;
  Release release;
};
/// Makes what was used until now durable, so that the store can be asked. Reply: Done.
struct MeterUsage {
  Token to = 0;
};
/// Reply: Done. Errors: not_found (the endpoint).
struct SaveBudget {
  Token to = 0;
  Budget budget;
};

// ---- the shell

/// The caller went away: it gets no reply.
struct Forget {
  Token token = 0;
};
/// Time has passed.
struct Tick {};
/// Answers every waiting caller with what there is, and hands out nothing from now on. Which workers it stops:
enum class StopWorkers { idle, all };
struct Shutdown {
  StopWorkers workers = StopWorkers::idle;
};

using Command =
    std::variant<SaveAccount, SaveApiKey, SaveTemplate, DeleteTemplate, SaveEndpoint, UpdateEndpointTemplate,
                 DeleteEndpoint, Submit, AwaitJob, ReadStream, StreamRead, CancelJob, RetryJob, PurgeQueue, LowerTtl,
                 RecallJob, TakeJobs, HandOutLost, PollStops, FinishJob, ReportProgress, AddChunk, Ping, AttachWorker,
                 DetachWorker, WorkerStarted, WorkerStartFailed, WorkerExited, Forget, Tick, Shutdown, SaveVolume,
                 DeleteVolume, SaveSecret, DeleteSecret, SaveCredential, DeleteCredential, UpdateSettings, ReadChunks,
                 WebhookPosted, RedeliverWebhook, SaveWebhookSecret, CreateBatch, RenameBatch, AddToBatch,
                 RemoveFromBatch, FinalizeBatch, CancelBatch, ReportGpus, QuarantineGpu, ReleaseGpu, InputsRead,
                 RollBack, MeterUsage, SaveBudget, WorkerFrozen, WorkerFreezeFailed, WorkerThawed>;

}  // namespace penstock::core
