#include "store/state_replay.h"

#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "store/memory_store.h"

namespace penstock::store {
namespace {

/// The jobs, of which there may be a million: only those that a turn speaks of are looked up.
class JobReplay {
 public:
  JobReplay(std::deque<core::StoredJob>& jobs, std::span<const std::vector<core::Record>> turns) : jobs_(jobs) {
    for (const auto& turn : turns) {
      for (const core::Record& record : turn) {
        if (const JobId* const id = id_of(record)) places_.try_emplace(*id);
      }
    }
    for (std::size_t i = 0; i < jobs_.size() && !places_.empty(); ++i) {
      const auto known = places_.find(jobs_[i].request.id);
      if (known != places_.end()) known->second = i;
    }
  }

  /// False: it speaks of a job that only the tables have.
  bool take(const core::Record& record) {
    return std::visit([this](const auto& change) { return apply(change); }, record);
  }

  void finish() {
    std::erase_if(jobs_, [](const core::StoredJob& job) {
      return job.request.id.empty() || core::is_terminal(job.state.status);
    });
  }

 private:
  static const JobId* id_of(const core::Record& record) {
    if (const auto* added = std::get_if<core::JobAdded>(&record)) return &added->request.id;
    if (const auto* changed = std::get_if<core::JobChanged>(&record)) return &changed->id;
    if (const auto* chunk = std::get_if<core::ChunkAdded>(&record)) return &chunk->job;
    if (const auto* cleared = std::get_if<core::ChunksCleared>(&record)) return &cleared->job;
    return nullptr;
  }

  core::StoredJob* find(const JobId& id) {
    const auto place = places_.at(id);
    return place ? &jobs_[*place] : nullptr;
  }

  template <class Record>
  bool apply(const Record&) {
    return true;  // nothing to do with jobs
  }
  bool apply(const core::JobAdded& record) {
    core::StoredJob job = core::as_stored(record);
    if (core::StoredJob* const known = find(record.request.id)) {
      *known = std::move(job);
    } else {
      places_.at(record.request.id) = jobs_.size();
      jobs_.push_back(std::move(job));
    }
    return true;
  }
  bool apply(const core::JobChanged& record) {
    core::StoredJob* const job = find(record.id);
    if (job == nullptr) return core::is_terminal(record.state.status);
    core::update(*job, record);
    return true;
  }
  bool apply(const core::ChunkAdded& record) {
    if (core::StoredJob* const job = find(record.job)) core::update(*job, record);
    return true;
  }
  bool apply(const core::ChunksCleared& record) {
    if (core::StoredJob* const job = find(record.job)) job->chunks.clear();
    return true;
  }
  bool apply(const core::EndpointRemoved& record) {
    for (core::StoredJob& job : jobs_) {
      if (job.request.endpoint != record.id) continue;
      if (const auto known = places_.find(job.request.id); known != places_.end()) known->second.reset();
      job = {};
    }
    return true;
  }

  std::deque<core::StoredJob>& jobs_;
  std::unordered_map<JobId, std::optional<std::size_t>> places_;  // of those that the turns speak of
};

bool is_of_jobs(const core::Record& record) {
  return std::holds_alternative<core::JobAdded>(record) || std::holds_alternative<core::JobChanged>(record) ||
         std::holds_alternative<core::ChunkAdded>(record) || std::holds_alternative<core::ChunksCleared>(record);
}

/// A delivery that is pending again, and neither was nor came.
class DeliveryCheck {
 public:
  explicit DeliveryCheck(const core::StoredState& state) {
    for (const core::WebhookDelivery& delivery : state.deliveries) known_.insert(delivery.id);
  }

  bool take(const core::Record& record) {
    if (const auto* added = std::get_if<core::WebhookAdded>(&record)) known_.insert(added->delivery.id);
    const auto* changed = std::get_if<core::WebhookChanged>(&record);
    return changed == nullptr || changed->state.status != core::DeliveryStatus::pending || known_.contains(changed->id);
  }

 private:
  std::unordered_set<DeliveryId> known_;
};

}  // namespace

bool replay_over(core::StoredState& state, std::span<const std::vector<core::Record>> turns) {
  std::deque<core::StoredJob> jobs = std::exchange(state.jobs, {});
  JobReplay job_replay(jobs, turns);
  DeliveryCheck deliveries(state);
  const auto others = make_memory_store(std::move(state));
  for (const auto& turn : turns) {
    std::vector<core::Record> rest;
    for (const core::Record& record : turn) {
      if (!job_replay.take(record) || !deliveries.take(record)) return false;
      if (!is_of_jobs(record)) rest.push_back(record);
    }
    if (!others->commit(rest)) return false;
  }
  auto loaded = others->load();
  if (!loaded) return false;
  state = std::move(*loaded);
  job_replay.finish();
  state.jobs = std::move(jobs);
  return true;
}

}  // namespace penstock::store
