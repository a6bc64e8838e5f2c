#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "core/model/endpoint.h"
#include "core/model/job.h"
#include "core/model/worker.h"
#include "core/queue/wait_reason.h"
#include "core/records.h"
#include "core/scaling/decision_log.h"

namespace penstock::core {

/// Names one caller that waits for a reply. 0: nobody waits.
using Token = std::uint64_t;

/// A job as a client may see it, at one instant. Copying it copies no payload.
struct JobView {
  JobId id;
  JobStatus status = JobStatus::in_queue;
  Bytes output;
  std::optional<std::string> error;
  std::optional<std::int64_t> delay_ms;      // last hand-out - start of this life
  std::optional<std::int64_t> execution_ms;  // terminal: finish - last hand-out
  int retries = 0;
  WorkerId worker;
  std::optional<WaitReason> wait;  // unless terminal
};

/// A job on its way to a worker: the attempt says which hand-out this is.
struct HandOut {
  JobId id;
  int attempt = 0;
  Bytes input;
  Bytes s3_config;
  std::string traceparent;  // the client's; empty: none
  std::string webhook;      // empty: none
  BatchId batch;            // empty: none
};

// ---- replies

struct Done {};
struct JobAccepted {
  JobId id;
  JobStatus status = JobStatus::in_queue;  // another one: the job of the idempotency key, as it stands
  std::optional<WaitReason> wait;
};
struct JobReply {
  JobView job;
};
/// Chunks from the cursor on. `first` is the index of the first: give it back in StreamRead once they were written.
struct StreamPage {
  JobStatus status = JobStatus::in_queue;
  int first = 0;
  int attempt = 0;
  std::vector<Bytes> chunks;
  std::optional<std::string> error;
  std::optional<WaitReason> wait;  // unless terminal
};
/// Chunks `first` and after, for a reader with its own place.
struct ChunkPage {
  JobView job;
  int first = 0;
  std::vector<Bytes> chunks;
  bool complete = false;  // the job is terminal and has no chunks behind these
};
/// Empty: nothing for this worker now.
struct HandOuts {
  std::vector<HandOut> jobs;
  bool new_jobs = false;  // there are some, and each was submitted (or retried) in this turn: nobody was told of it yet
};
/// Empty: nothing to stop.
struct StopList {
  std::vector<JobId> jobs;
};
struct Purged {
  std::int64_t removed = 0;
};
struct TemplateReply {
  TemplateId id;
};
struct EndpointReply {
  EndpointId id;
};
struct WorkerAttached {
  WorkerId id;
};
struct VolumeReply {
  VolumeId id;
};
struct SecretReply {
  SecretId id;
};
struct CredentialReply {
  CredentialId id;
};

/// Without input and output.
struct DeliveryReply {
  WebhookDelivery delivery;
};

/// A batch as a client may see it, at one instant.
struct BatchView {
  Batch batch;
  int in_progress = 0;
};
struct BatchReply {
  BatchView view;
  std::vector<JobId> added;  // by this command, in order
};

struct Reply {
  Token to = 0;
  std::variant<Error, Done, JobAccepted, JobReply, StreamPage, HandOuts, StopList, Purged, TemplateReply, EndpointReply,
               WorkerAttached, VolumeReply, SecretReply, CredentialReply, ChunkPage, DeliveryReply, BatchReply>
      what;
};

// ---- orders to the launcher

/// A secret that the environment of a worker names.
struct SealedSecret {
  std::string name;
  std::string sealed;
};
/// What the core knows of a worker to start; the shell adds addresses and keys.
struct StartWorker {
  WorkerId id;
  EndpointId endpoint;
  std::string image;
  std::string docker_args;
  std::vector<EnvVar> env;  // template's, with the endpoint's over it
  Placement placement;
  std::string volume_mount_path;
  VolumeId volume;                    // of the endpoint, in the data centre of the placement; empty: none
  std::vector<SealedSecret> secrets;  // that env names; one that does not exist is missing
  int vcpus = 0;                      // of a CPU worker's instance; 0: not limited
  int memory_gb = 0;                  // the same
};
/// SIGTERM, then SIGKILL after `grace`.
struct StopWorker {
  WorkerId id;
  Millis grace{};
};
struct AdoptWorker {
  WorkerId id;
  std::string handle;
  bool frozen = false;      // it is to be stopped; otherwise it is to run
  bool gpu_parked = false;  // and its GPU memory was parked
};
/// Stop it where it is; to be thawed or ended later.
struct FreezeWorker {
  WorkerId id;
};
struct ThawWorker {
  WorkerId id;
};
/// The volume was deleted: what it holds goes too.
struct RemoveVolume {
  VolumeId id;
};
using LaunchOrder = std::variant<StartWorker, StopWorker, AdoptWorker, RemoveVolume, FreezeWorker, ThawWorker>;

/// Send this once, and tell the end by WebhookPosted.
struct PostWebhook {
  WebhookDelivery delivery;  // state.attempts: how many there were before
  bool complete = false;     // false: its input and output lie in the store
};

/// Inputs of queued jobs that are in the store only: to be read, in this order, until there are about `bytes_max`, and
/// told by InputsRead.
struct ReadInputs {
  EndpointId endpoint;
  std::vector<JobId> jobs;
  std::size_t bytes_max = 0;
};
struct JobInput {
  JobId job;
  Bytes input;  // null: the store has no such job
  Bytes s3_config;
};

/// Everything that a turn wants done. The shell commits `records`, and only then sends `replies` and gives `orders`
/// and `posts`.
struct Effects {
  std::vector<Record> records;
  std::vector<Reply> replies;
  std::vector<LaunchOrder> orders;
  std::vector<PostWebhook> posts;
  std::vector<ReadInputs> reads;
  std::vector<RecordedDecision> decisions;  // for the flight recorder: see DecisionFilter
  std::vector<std::string> notes;           // for the log: what happened and why; no secrets
  std::vector<std::string> warnings;        // the same, where somebody should look

  void clear() {
    records.clear();
    replies.clear();
    orders.clear();
    posts.clear();
    reads.clear();
    decisions.clear();
    notes.clear();
    warnings.clear();
  }
};

}  // namespace penstock::core
