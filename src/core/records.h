#pragma once

#include <deque>
#include <variant>
#include <vector>

#include "core/model/account.h"
#include "core/model/batch.h"
#include "core/model/endpoint.h"
#include "core/model/gpu.h"
#include "core/model/job.h"
#include "core/model/release.h"
#include "core/model/secret.h"
#include "core/model/template.h"
#include "core/model/usage.h"
#include "core/model/volume.h"
#include "core/model/webhook.h"
#include "core/model/worker.h"

namespace penstock::core {

// A record is one change of durable state, as the state that results. Applying the records of every committed turn in
// order gives the state back; applying one twice changes nothing more.

struct AccountSaved {
  Account account;
};
struct ApiKeySaved {
  ApiKey key;
};
struct TemplateSaved {
  Template value;
};
struct TemplateRemoved {
  TemplateId id;
};
struct EndpointSaved {
  Endpoint endpoint;
};
/// Its counters, releases, places, batches and jobs (with their chunks) go with it. Its workers stay until each has
/// exited: until then somebody must remember to end them.
struct EndpointRemoved {
  EndpointId id;
};
struct CountersSaved {
  EndpointId endpoint;
  Counters counters;
  Time last_request = {};  // as of then; later ones show in the jobs
};
struct JobAdded {
  JobRequest request;
  JobState state;
};
/// `output` is written only when `sets_output`; null then clears it.
struct JobChanged {
  JobId id;
  JobState state;
  bool sets_output = false;
  Bytes output;
  EndpointId endpoint = {};      // for those who watch; a store knows it from JobAdded
  bool cursor_only = false;      // nothing changed but what was read of the stream
  std::string traceparent = {};  // of the job, for those who watch
};
/// `index` counts from 0 within the job's present attempt.
struct ChunkAdded {
  JobId job;
  int index = 0;
  Bytes chunk;
};
struct ChunksCleared {
  JobId job;
};
/// Removes every terminal job whose result was to be forgotten at or before this instant, with its chunks, and every
/// settled webhook delivery that was.
struct JobsForgotten {
  Time expired_at{};
};
struct WorkerSaved {
  Worker worker;
};
struct WorkerRemoved {
  WorkerId id;
  EndpointId endpoint = {};  // for those who watch
};
struct VolumeSaved {
  NetworkVolume value;
};
struct VolumeRemoved {
  VolumeId id;
};
struct SecretSaved {
  Secret value;
};
struct SecretRemoved {
  SecretId id;
};
struct CredentialSaved {
  RegistryCredential value;
};
struct CredentialRemoved {
  CredentialId id;
};

/// Outlives its job and its endpoint.
struct WebhookAdded {
  WebhookDelivery delivery;
};
struct WebhookChanged {
  DeliveryId id;
  DeliveryState state;
};

struct BatchSaved {
  Batch value;
};
/// Its jobs are forgotten by themselves.
struct BatchRemoved {
  BatchId id;
};
struct GpuMarkSaved {
  GpuMark value;
};
struct GpuMarkRemoved {
  std::string id;
};

/// Of one endpoint, the newest kReleasesKept stay.
struct ReleaseSaved {
  Release value;
};
/// Whole: one row for each endpoint, pool and hour. Outlives its endpoint.
struct UsageSaved {
  UsageRow value;
};
/// One for each account, and for each of its endpoints.
struct BudgetSaved {
  Budget value;
};
/// Whole: one row for each endpoint, which goes with it.
struct PlacesSaved {
  EndpointPlaces value;
};

using Record = std::variant<AccountSaved, ApiKeySaved, TemplateSaved, TemplateRemoved, EndpointSaved, EndpointRemoved,
                            CountersSaved, JobAdded, JobChanged, ChunkAdded, ChunksCleared, JobsForgotten, WorkerSaved,
                            WorkerRemoved, VolumeSaved, VolumeRemoved, SecretSaved, SecretRemoved, CredentialSaved,
                            CredentialRemoved, WebhookAdded, WebhookChanged, BatchSaved, BatchRemoved, GpuMarkSaved,
                            GpuMarkRemoved, ReleaseSaved, UsageSaved, BudgetSaved, PlacesSaved>;

// What records of a job make of it in a store.

inline StoredJob as_stored(const JobAdded& record) {
  StoredJob job{record.request, record.state, nullptr, {}};
  leave_unneeded_input(job.request, job.state);
  return job;
}

inline void update(StoredJob& job, const JobChanged& record) {
  job.state = record.state;
  if (record.sets_output) job.output = record.output;
  leave_unneeded_input(job.request, job.state);
}

inline void update(StoredJob& job, const ChunkAdded& record) {
  const auto index = static_cast<std::size_t>(record.index);
  if (index < job.chunks.size()) {
    job.chunks[index] = record.chunk;
  } else {
    job.chunks.push_back(record.chunk);
  }
}

/// Rows of usage that a start needs: budgets are by the day.
inline constexpr Millis kUsageLoaded{86'400'000};

/// From the end of one server process to the begin of the next, by the clock of each: `to` may be before `from`, and
/// `from` up to kAbsenceBlur before the true end.
inline constexpr Millis kAbsenceBlur{10'000};
struct Absence {
  Time from{};
  Time to{};
};

/// What a store loads at start: everything that the records add up to, but for terminal jobs, which stay in the store
/// until somebody asks for one, and for settled webhook deliveries. Jobs are in order of submission, the rest in order
/// of creation.
struct StoredState {
  std::vector<Account> accounts;
  std::vector<ApiKey> keys;
  std::vector<Template> templates;
  std::vector<Endpoint> endpoints;
  std::vector<std::pair<EndpointId, Counters>> counters;
  std::deque<StoredJob> jobs;  // may be a million: what is restored of it leaves its memory to what becomes of it
  std::vector<Worker> workers;
  std::vector<NetworkVolume> volumes;
  std::vector<Secret> secrets;
  std::vector<RegistryCredential> credentials;
  std::vector<WebhookDelivery> deliveries;  // pending ones, without input and output
  std::vector<Batch> batches = {};
  std::vector<GpuMark> gpu_marks = {};
  std::vector<Absence> absences = {};  // oldest first; no store knows them, whoever restores does
  std::vector<std::pair<EndpointId, Time>> last_requests = {};  // as their counters say
  std::vector<std::pair<EndpointId, int>> releases = {};        // the newest of each endpoint
  std::vector<UsageRow> usage = {};  // of kUsageLoaded before the latest hour of any, and that
  std::vector<Budget> budgets = {};
  std::vector<EndpointPlaces> places = {};
};

}  // namespace penstock::core
