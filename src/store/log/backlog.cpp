#include "store/log/backlog.h"

#include <utility>

namespace penstock::store {
namespace {

// Turns. To free thousands of records at once would keep the loop from its work for milliseconds.
constexpr std::size_t kDroppedAtOnce = 2;

/// The job that a record speaks of; null when of none, or of many.
const JobId* job_of(const core::Record& record) {
  if (const auto* added = std::get_if<core::JobAdded>(&record)) return &added->request.id;
  if (const auto* changed = std::get_if<core::JobChanged>(&record)) return &changed->id;
  if (const auto* chunk = std::get_if<core::ChunkAdded>(&record)) return &chunk->job;
  if (const auto* cleared = std::get_if<core::ChunksCleared>(&record)) return &cleared->job;
  return nullptr;
}

const DeliveryId* delivery_of(const core::Record& record) {
  if (const auto* added = std::get_if<core::WebhookAdded>(&record)) return &added->delivery.id;
  if (const auto* changed = std::get_if<core::WebhookChanged>(&record)) return &changed->id;
  return nullptr;
}

bool removes_many(const core::Record& record) {
  return std::holds_alternative<core::JobsForgotten>(record) || std::holds_alternative<core::EndpointRemoved>(record);
}

/// Under what a record is found by its idempotency key; empty: not at all.
std::string key_of(const EndpointId& endpoint, const std::string& idempotency_key) {
  return idempotency_key.empty() ? "" : endpoint.str() + '\n' + idempotency_key;
}

std::string key_of(const core::Record& record) {
  const auto* added = std::get_if<core::JobAdded>(&record);
  return added ? key_of(added->request.endpoint, added->request.idempotency_key) : "";
}

using Job = std::optional<core::StoredJob>;
using Delivery = std::optional<core::WebhookDelivery>;

template <class Record>
void apply(Delivery&, const Record&) {}  // nothing to do with deliveries

void apply(Delivery& delivery, const core::WebhookAdded& record) {
  delivery = record.delivery;
}

void apply(Delivery& delivery, const core::WebhookChanged& record) {
  if (delivery) delivery->state = record.state;
}

void apply(Delivery& delivery, const core::JobsForgotten& record) {
  const bool settled = delivery && delivery->state.status != core::DeliveryStatus::pending;
  if (settled && delivery->state.expires <= record.expired_at) delivery.reset();
}

template <class Record>
void apply(Job&, const Record&) {}  // nothing to do with jobs

void apply(Job& job, const core::JobAdded& record) {
  job = core::as_stored(record);
}

void apply(Job& job, const core::JobChanged& record) {
  if (job) core::update(*job, record);
}

void apply(Job& job, const core::ChunkAdded& record) {
  if (job) core::update(*job, record);
}

void apply(Job& job, const core::ChunksCleared&) {
  if (job) job->chunks.clear();
}

void apply(Job& job, const core::JobsForgotten& record) {
  if (job && core::is_terminal(job->state.status) && job->state.expires <= record.expired_at) job.reset();
}

void apply(Job& job, const core::EndpointRemoved& record) {
  if (job && job->request.endpoint == record.id) job.reset();
}

}  // namespace

void Backlog::add(std::uint64_t sequence, Turn turn) {
  if (turns_.empty()) first_ = sequence;
  ENSURE(sequence == first_ + turns_.size());
  turns_.push_back(std::move(turn));
}

bool Backlog::drop(std::uint64_t sequence) {
  for (std::size_t left = kDroppedAtOnce; left > 0 && !turns_.empty() && first_ <= sequence;
       --left, ++first_, turns_.pop_front()) {
    if (first_ > indexed_) continue;
    for (const core::Record& record : *turns_.front()) {
      if (removes_many(record)) removals_.pop_front();
      if (const std::string key = key_of(record); !key.empty()) forget_first(keyed_, key);
      if (const JobId* const job = job_of(record)) forget_first(changes_, *job);
      if (const DeliveryId* const delivery = delivery_of(record)) forget_first(delivery_changes_, *delivery);
    }
  }
  return !turns_.empty() && first_ <= sequence;
}

template <class Id>
void Backlog::forget_first(Changes<Id>& changes, const Id& id) {
  const auto known = changes.find(id);
  known->second.pop_front();
  if (known->second.empty()) changes.erase(known);
}

void Backlog::index_all() {
  const std::uint64_t end = first_ + turns_.size();
  for (std::uint64_t sequence = std::max(first_, indexed_ + 1); sequence < end; ++sequence) {
    for (const core::Record& record : *turns_[sequence - first_]) {
      if (removes_many(record)) removals_.push_back({sequence, &record});
      if (std::string key = key_of(record); !key.empty()) keyed_[std::move(key)].push_back({sequence, &record});
      if (const JobId* const job = job_of(record)) changes_[*job].push_back({sequence, &record});
      if (const DeliveryId* const delivery = delivery_of(record)) {
        delivery_changes_[*delivery].push_back({sequence, &record});
      }
    }
    indexed_ = sequence;
  }
}

std::optional<JobId> Backlog::find_keyed(const EndpointId& endpoint, const std::string& idempotency_key) {
  index_all();
  const auto known = keyed_.find(key_of(endpoint, idempotency_key));
  if (known == keyed_.end()) return std::nullopt;
  return std::get<core::JobAdded>(*known->second.back().record).request.id;
}

bool Backlog::holds_whole(const JobId& job) {
  index_all();
  const auto known = changes_.find(job);
  return known != changes_.end() && std::holds_alternative<core::JobAdded>(*known->second.front().record);
}

std::optional<EndpointId> Backlog::endpoint_of(const JobId& job) {
  if (!holds_whole(job)) return std::nullopt;
  return std::get<core::JobAdded>(*changes_.at(job).front().record).request.endpoint;
}

std::optional<core::JobInput> Backlog::find_input(const JobId& job) {
  if (!holds_whole(job)) return std::nullopt;
  const auto& request = std::get<core::JobAdded>(*changes_.at(job).front().record).request;
  return core::JobInput{job, request.input, request.s3_config};
}

bool Backlog::holds_whole(const DeliveryId& delivery) {
  index_all();
  const auto known = delivery_changes_.find(delivery);
  return known != delivery_changes_.end() && std::holds_alternative<core::WebhookAdded>(*known->second.front().record);
}

template <class Thing, class Id>
void Backlog::bring_up_to_date(Thing& thing, const Changes<Id>& all, const Id& id) const {
  static const std::deque<Change> kNone;
  const auto known = all.find(id);
  const std::deque<Change>& changes = known == all.end() ? kNone : known->second;
  const auto take = [&](const Change& change) {
    std::visit([&](const auto& record) { apply(thing, record); }, *change.record);
  };
  auto removal = removals_.begin();
  for (const Change& change : changes) {
    for (; removal != removals_.end() && removal->is_before(change); ++removal) take(*removal);
    take(change);
  }
  for (; removal != removals_.end(); ++removal) take(*removal);
}

void Backlog::apply_to(Job& job, const EndpointId& endpoint, const JobId& id) {
  index_all();
  bring_up_to_date(job, changes_, id);
  if (job && job->request.endpoint != endpoint) job.reset();
}

void Backlog::apply_to(Delivery& delivery, const DeliveryId& id) {
  index_all();
  bring_up_to_date(delivery, delivery_changes_, id);
}

}  // namespace penstock::store
