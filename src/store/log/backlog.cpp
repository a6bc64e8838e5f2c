#include "store/log/backlog.h"

#include <algorithm>
#include <utility>

#include "store/log/record_codec.h"

namespace penstock::store {
namespace {

// Turns. To free thousands of records at once would keep the loop from its work for milliseconds.
constexpr std::size_t kDroppedAtOnce = 2;

/// Under what a job is found by its idempotency key; empty: not at all.
std::string key_of(const EndpointId& endpoint, const std::string& idempotency_key) {
  return idempotency_key.empty() ? "" : endpoint.str() + '\n' + idempotency_key;
}

/// What a record is found by.
struct Found {
  std::string_view bytes;
  std::optional<JobId> job = {};
  std::optional<DeliveryId> delivery = {};
  bool is_whole = false;  // of the job or delivery
  std::string key = {};   // key_of() a new job
  bool removes_many = false;
};

template <class Take>
class Finder final : public TurnVisitor {
 public:
  explicit Finder(Take& take) : take_(take) {}

  void on_job(const EncodedJob& job, std::string_view bytes) override {
    Found found{bytes, JobId::parse(job.id).value()};
    found.is_whole = job.is_new;
    if (job.is_new) {
      decode(job.request, request_);
      found.key = key_of(request_.endpoint, request_.idempotency_key);
    }
    take_(found);
  }

  void on_other(core::Record record, std::string_view bytes) override {
    Found found{bytes};
    found.removes_many =
        std::holds_alternative<core::JobsForgotten>(record) || std::holds_alternative<core::EndpointRemoved>(record);
    if (const auto* chunk = std::get_if<core::ChunkAdded>(&record)) found.job = chunk->job;
    if (const auto* cleared = std::get_if<core::ChunksCleared>(&record)) found.job = cleared->job;
    if (const auto* changed = std::get_if<core::WebhookChanged>(&record)) found.delivery = changed->id;
    if (const auto* added = std::get_if<core::WebhookAdded>(&record)) {
      found.delivery = added->delivery.id;
      found.is_whole = true;
    }
    take_(found);
  }

 private:
  Take& take_;
  core::JobRequest request_;
};

template <class Take>
void each_record(const EncodedTurn& turn, Take&& take) {
  Finder<Take> finder(take);
  visit_turn(turn.turn(), finder);
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

core::Record Backlog::Change::record() const {
  return std::move(decode_turn(bytes).value().front());
}

void Backlog::add(std::uint64_t sequence, SharedTurn turn) {
  if (turns_.empty()) first_ = sequence;
  ENSURE(sequence == first_ + turns_.size());
  turns_.push_back(std::move(turn));
}

bool Backlog::drop(std::uint64_t sequence) {
  for (std::size_t left = kDroppedAtOnce; left > 0 && !turns_.empty() && first_ <= sequence;
       --left, ++first_, turns_.pop_front()) {
    if (first_ > indexed_) continue;
    each_record(*turns_.front(), [&](const Found& found) {
      if (found.removes_many) removals_.pop_front();
      if (!found.key.empty()) forget_first(keyed_, found.key);
      if (found.job) forget_first(changes_, *found.job);
      if (found.delivery) forget_first(delivery_changes_, *found.delivery);
    });
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
    each_record(*turns_[sequence - first_], [&](const Found& found) {
      const Change change{sequence, found.bytes, found.is_whole};
      if (found.removes_many) removals_.push_back(change);
      if (!found.key.empty()) keyed_[found.key].push_back(change);
      if (found.job) changes_[*found.job].push_back(change);
      if (found.delivery) delivery_changes_[*found.delivery].push_back(change);
    });
    indexed_ = sequence;
  }
}

std::optional<JobId> Backlog::find_keyed(const EndpointId& endpoint, const std::string& idempotency_key) {
  index_all();
  const auto known = keyed_.find(key_of(endpoint, idempotency_key));
  if (known == keyed_.end()) return std::nullopt;
  return added_by(known->second.back()).id;
}

bool Backlog::holds_whole(const JobId& job) {
  index_all();
  const auto known = changes_.find(job);
  return known != changes_.end() && known->second.front().is_whole;
}

core::JobRequest Backlog::added_by(const Change& change) {
  return std::get<core::JobAdded>(change.record()).request;
}

std::optional<EndpointId> Backlog::endpoint_of(const JobId& job) {
  if (!holds_whole(job)) return std::nullopt;
  return added_by(changes_.at(job).front()).endpoint;
}

std::optional<core::JobInput> Backlog::find_input(const JobId& job) {
  if (!holds_whole(job)) return std::nullopt;
  const core::JobRequest request = added_by(changes_.at(job).front());
  return core::JobInput{job, request.input, request.s3_config};
}

bool Backlog::holds_whole(const DeliveryId& delivery) {
  index_all();
  const auto known = delivery_changes_.find(delivery);
  return known != delivery_changes_.end() && known->second.front().is_whole;
}

template <class Thing, class Id>
void Backlog::bring_up_to_date(Thing& thing, const Changes<Id>& all, const Id& id) const {
  static const std::deque<Change> kNone;
  const auto known = all.find(id);
  const std::deque<Change>& changes = known == all.end() ? kNone : known->second;
  const auto take = [&](const Change& change) {
    std::visit([&](const auto& record) { apply(thing, record); }, change.record());
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
