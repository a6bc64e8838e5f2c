#include "store/memory_store.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace penstock::store {
namespace {

/// Values by key, kept in the order in which their keys first came.
template <class Key, class Value>
class OrderedTable {
 public:
  Value& put(const Key& key, Value value) {
    const auto [known, first] = places_.try_emplace(key, next_);
    if (first) ++next_;
    return values_.insert_or_assign(known->second, std::move(value)).first->second;
  }

  Value* find(const Key& key) {
    const auto known = places_.find(key);
    return known == places_.end() ? nullptr : &values_.at(known->second);
  }

  /// Walks them all: a test's tables are small.
  template <class Matches>
  std::optional<Value> latest(Matches&& matches) const {
    for (auto it = values_.rbegin(); it != values_.rend(); ++it) {
      if (matches(it->second)) return it->second;
    }
    return std::nullopt;
  }

  void erase(const Key& key) {
    const auto known = places_.find(key);
    if (known == places_.end()) return;
    values_.erase(known->second);
    places_.erase(known);
  }

  /// `drop` is asked with each value, and gives its key when it is to go.
  template <class Drop>
  void erase_if(Drop&& drop) {
    for (auto it = values_.begin(); it != values_.end();) {
      const Key* key = drop(it->second);
      if (key == nullptr) {
        ++it;
        continue;
      }
      places_.erase(*key);
      it = values_.erase(it);
    }
  }

  std::vector<Value> values() const {
    std::vector<Value> all;
    all.reserve(values_.size());
    for (const auto& [place, value] : values_) all.push_back(value);
    return all;
  }

 private:
  std::map<std::uint64_t, Value> values_;
  std::unordered_map<Key, std::uint64_t> places_;
  std::uint64_t next_ = 0;
};

core::JobRequest without_payloads(core::JobRequest request) {
  request.input = nullptr;
  request.s3_config = nullptr;
  return request;
}

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(core::StoredState state) {
    // By name of each, so that a new one cannot be forgotten here.
    auto& [accounts, keys, templates, endpoints, counters, jobs, workers, volumes, secrets, credentials, deliveries,
           batches, gpu_marks, absences, last_requests, releases, usage, budgets, places] = state;
    for (auto& value : accounts) accounts_.put(AccountId(value.id), std::move(value));
    for (auto& value : keys) keys_.put(std::string(value.id), std::move(value));
    for (auto& value : templates) templates_.put(TemplateId(value.id), std::move(value));
    for (auto& value : endpoints) endpoints_.put(EndpointId(value.id), std::move(value));
    for (auto& value : counters) counters_.put(EndpointId(value.first), std::move(value));
    for (auto& value : jobs) jobs_.put(JobId(value.request.id), std::move(value));
    for (auto& value : workers) workers_.put(WorkerId(value.id), std::move(value));
    for (auto& value : volumes) volumes_.put(VolumeId(value.id), std::move(value));
    for (auto& value : secrets) secrets_.put(SecretId(value.id), std::move(value));
    for (auto& value : credentials) credentials_.put(CredentialId(value.id), std::move(value));
    for (auto& value : deliveries) deliveries_.put(DeliveryId(value.id), std::move(value));
    for (auto& value : batches) batches_.put(BatchId(value.id), std::move(value));
    for (auto& value : gpu_marks) gpu_marks_.put(std::string(value.id), std::move(value));
    ENSURE(absences.empty());  // no store knows them
    for (auto& value : last_requests) last_requests_.put(EndpointId(value.first), std::move(value));
    for (const auto& [endpoint, version] : releases) {  // what they were is not in a state
      core::Release release;
      release.endpoint = endpoint;
      release.version = version;
      releases_[endpoint].emplace(version, std::move(release));
    }
    for (const core::UsageRow& row : usage) apply(core::UsageSaved{row});
    for (const core::Budget& budget : budgets) apply(core::BudgetSaved{budget});
    for (auto& value : places) places_.put(EndpointId(value.endpoint), std::move(value));
  }

  Result<core::StoredState> load() override {
    core::StoredState state{accounts_.values(),
                            keys_.values(),
                            templates_.values(),
                            endpoints_.values(),
                            counters_.values(),
                            {},
                            workers_.values(),
                            volumes_.values(),
                            secrets_.values(),
                            credentials_.values(),
                            {},
                            batches_.values(),
                            gpu_marks_.values(),
                            {},
                            {},
                            {},
                            {}};
    for (const auto& [endpoint, at] : last_requests_.values()) {
      if (at > Time{}) state.last_requests.emplace_back(endpoint, at);
    }
    for (const auto& [endpoint, releases] : releases_) {
      state.releases.emplace_back(endpoint, releases.rbegin()->first);
    }
    Time latest{};
    for (const core::UsageRow& row : usage_.values()) latest = std::max(latest, row.hour);
    for (core::UsageRow& row : usage_.values()) {
      if (row.hour >= latest - core::kUsageLoaded) state.usage.push_back(std::move(row));
    }
    for (core::Budget& budget : budgets_.values()) {
      if (budget.per_day) state.budgets.push_back(std::move(budget));
    }
    state.places = places_.values();
    for (core::WebhookDelivery delivery : deliveries_.values()) {
      if (delivery.state.status == core::DeliveryStatus::pending) state.deliveries.push_back(bare(std::move(delivery)));
    }
    for (core::StoredJob& job : jobs_.values()) {
      if (!core::is_terminal(job.state.status)) state.jobs.push_back(std::move(job));
    }
    return state;
  }

  Result<std::optional<core::StoredJob>> find_job(const EndpointId& endpoint, const JobId& job) override {
    const core::StoredJob* found = jobs_.find(job);
    if (found == nullptr || found->request.endpoint != endpoint) return std::nullopt;
    return *found;
  }

  Result<std::optional<core::StoredJob>> find_keyed_job(const EndpointId& endpoint,
                                                        const std::string& idempotency_key) override {
    return jobs_.latest([&](const core::StoredJob& job) {
      return job.request.endpoint == endpoint && job.request.idempotency_key == idempotency_key;
    });
  }

  Result<std::optional<EndpointId>> endpoint_of(const JobId& job) override {
    const core::StoredJob* found = jobs_.find(job);
    if (found == nullptr) return std::nullopt;
    return found->request.endpoint;
  }

  Result<std::optional<core::WebhookDelivery>> find_delivery(const DeliveryId& id) override {
    const core::WebhookDelivery* found = deliveries_.find(id);
    if (found == nullptr) return std::nullopt;
    return *found;
  }

  Result<std::vector<core::WebhookDelivery>> list_deliveries(const core::DeliveryQuery& query) override {
    std::vector<core::WebhookDelivery> all = deliveries_.values();
    std::erase_if(all, [&](const core::WebhookDelivery& one) {
      return one.owner != query.owner || (query.endpoint && one.endpoint != *query.endpoint) ||
             (query.job && one.job != *query.job) || (query.status && one.state.status != *query.status) ||
             (query.before && one.id >= *query.before);
    });
    std::ranges::sort(all, std::greater{}, &core::WebhookDelivery::id);
    all.resize(std::min(all.size(), static_cast<std::size_t>(query.count)));
    for (core::WebhookDelivery& one : all) one = bare(std::move(one));
    return all;
  }

  void list_jobs(const core::JobQuery& query, OnPage on_page) override { on_page(page_of(query)); }

  void list_batch_jobs(const core::BatchJobQuery& query, OnJobs on_jobs) override {
    std::vector<core::StoredJob> found;
    std::size_t bytes = 0;
    int skipped = 0;
    for (core::StoredJob& job : jobs_.values()) {
      const bool forgotten = core::is_terminal(job.state.status) && job.state.expires <= query.now;
      if (job.request.batch != query.batch || job.request.endpoint != query.endpoint || forgotten) continue;
      if (skipped++ < query.offset) continue;
      bytes += job.output ? job.output->size() : 0;
      if (static_cast<int>(found.size()) == query.count || (bytes > query.bytes_max && !found.empty())) break;
      found.push_back({without_payloads(job.request), job.state, job.output, {}});
    }
    on_jobs(std::move(found));
  }

  Result<core::JobPage> page_of(const core::JobQuery& query) {
    std::vector<core::StoredJob> all = jobs_.values();
    std::erase_if(all, [&](const core::StoredJob& job) {
      const core::JobPlace place{job.request.created, job.request.id};
      const bool behind =
          !query.behind || std::tie(place.created, place.id) < std::tie(query.behind->created, query.behind->id);
      return job.request.endpoint != query.endpoint || !behind || (query.from && place.created < *query.from) ||
             (query.before && place.created >= *query.before);
    });
    std::ranges::sort(all, std::greater{},
                      [](const core::StoredJob& job) { return std::pair(job.request.created, job.request.id); });
    core::JobPage page;
    int looked = 0;
    for (core::StoredJob& job : all) {
      if (looked == query.looks || static_cast<int>(page.jobs.size()) == query.count) {
        page.next = core::JobPlace{all[static_cast<std::size_t>(looked) - 1].request.created,
                                   all[static_cast<std::size_t>(looked) - 1].request.id};
        break;
      }
      ++looked;
      if (core::matches(query, job.state)) page.jobs.push_back({without_payloads(job.request), job.state, nullptr, {}});
    }
    return page;
  }

  void list_releases(const EndpointId& endpoint, OnReleases on_releases) override {
    std::vector<core::Release> all;
    if (const auto found = releases_.find(endpoint); found != releases_.end()) {
      for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) all.push_back(it->second);
    }
    on_releases(std::move(all));
  }

  void list_usage(const core::UsageQuery& query, OnUsage on_usage) override {
    std::vector<core::UsageRow> all = usage_.values();
    std::erase_if(all, [&](const core::UsageRow& row) {
      return row.owner != query.owner || (query.endpoint && row.endpoint != *query.endpoint) || row.hour < query.from ||
             row.hour >= query.to;
    });
    std::ranges::sort(all, {}, [](const core::UsageRow& row) { return std::tie(row.hour, row.endpoint, row.pool); });
    on_usage(std::move(all));
  }

  Result<void> commit(std::span<const core::Record> turn) override {
    for (const core::Record& record : turn) std::visit([&](const auto& change) { apply(change); }, record);
    return {};
  }

 private:
  static core::WebhookDelivery bare(core::WebhookDelivery delivery) {
    delivery.content.input = nullptr;
    delivery.content.output = nullptr;
    return delivery;
  }

  void apply(const core::AccountSaved& record) { accounts_.put(record.account.id, record.account); }
  void apply(const core::ApiKeySaved& record) { keys_.put(record.key.id, record.key); }
  void apply(const core::TemplateSaved& record) { templates_.put(record.value.id, record.value); }
  void apply(const core::TemplateRemoved& record) { templates_.erase(record.id); }
  void apply(const core::EndpointSaved& record) { endpoints_.put(record.endpoint.id, record.endpoint); }
  void apply(const core::EndpointRemoved& record) {
    endpoints_.erase(record.id);
    counters_.erase(record.id);
    batches_.erase_if([&](const core::Batch& b) { return b.endpoint == record.id ? &b.id : nullptr; });
    last_requests_.erase(record.id);
    releases_.erase(record.id);
    places_.erase(record.id);
    jobs_.erase_if([&](const core::StoredJob& j) { return j.request.endpoint == record.id ? &j.request.id : nullptr; });
  }
  void apply(const core::CountersSaved& record) {
    counters_.put(record.endpoint, {record.endpoint, record.counters});
    last_requests_.put(record.endpoint, {record.endpoint, record.last_request});
  }
  void apply(const core::JobAdded& record) { jobs_.put(record.request.id, core::as_stored(record)); }
  void apply(const core::JobChanged& record) {
    if (core::StoredJob* job = jobs_.find(record.id); job != nullptr) core::update(*job, record);
  }
  void apply(const core::ChunkAdded& record) {
    if (core::StoredJob* job = jobs_.find(record.job); job != nullptr) core::update(*job, record);
  }
  void apply(const core::ChunksCleared& record) {
    if (core::StoredJob* job = jobs_.find(record.job); job != nullptr) job->chunks.clear();
  }
  void apply(const core::JobsForgotten& record) {
    jobs_.erase_if([&](const core::StoredJob& job) {
      const bool forgotten = core::is_terminal(job.state.status) && job.state.expires <= record.expired_at;
      return forgotten ? &job.request.id : nullptr;
    });
    deliveries_.erase_if([&](const core::WebhookDelivery& one) {
      const bool settled = one.state.status != core::DeliveryStatus::pending;
      return settled && one.state.expires <= record.expired_at ? &one.id : nullptr;
    });
  }
  void apply(const core::WorkerSaved& record) { workers_.put(record.worker.id, record.worker); }
  void apply(const core::WorkerRemoved& record) { workers_.erase(record.id); }

  void apply(const core::VolumeSaved& record) { volumes_.put(record.value.id, record.value); }
  void apply(const core::VolumeRemoved& record) { volumes_.erase(record.id); }
  void apply(const core::SecretSaved& record) { secrets_.put(record.value.id, record.value); }
  void apply(const core::SecretRemoved& record) { secrets_.erase(record.id); }
  void apply(const core::CredentialSaved& record) { credentials_.put(record.value.id, record.value); }
  void apply(const core::CredentialRemoved& record) { credentials_.erase(record.id); }
  void apply(const core::BatchSaved& record) { batches_.put(record.value.id, record.value); }
  void apply(const core::BatchRemoved& record) { batches_.erase(record.id); }
  void apply(const core::GpuMarkSaved& record) { gpu_marks_.put(record.value.id, record.value); }
  void apply(const core::GpuMarkRemoved& record) { gpu_marks_.erase(record.id); }
  void apply(const core::WebhookAdded& record) { deliveries_.put(record.delivery.id, record.delivery); }
  void apply(const core::WebhookChanged& record) {
    if (core::WebhookDelivery* known = deliveries_.find(record.id); known != nullptr) known->state = record.state;
  }

  void apply(const core::ReleaseSaved& record) {
    auto& kept = releases_[record.value.endpoint];
    kept.insert_or_assign(record.value.version, record.value);
    kept.erase(kept.begin(), kept.lower_bound(record.value.version - core::kReleasesKept + 1));
  }
  void apply(const core::UsageSaved& record) {
    const core::UsageRow& row = record.value;
    usage_.put(row.endpoint.str() + "/" + row.pool + "/" + std::to_string(to_ms(row.hour)), row);
  }
  void apply(const core::BudgetSaved& record) {
    budgets_.put(record.value.owner.str() + "/" + record.value.endpoint.str(), record.value);
  }

  void apply(const core::PlacesSaved& record) { places_.put(record.value.endpoint, record.value); }

  OrderedTable<AccountId, core::Account> accounts_;
  OrderedTable<std::string, core::ApiKey> keys_;
  OrderedTable<TemplateId, core::Template> templates_;
  OrderedTable<EndpointId, core::Endpoint> endpoints_;
  OrderedTable<EndpointId, std::pair<EndpointId, core::Counters>> counters_;
  OrderedTable<JobId, core::StoredJob> jobs_;
  OrderedTable<WorkerId, core::Worker> workers_;
  OrderedTable<VolumeId, core::NetworkVolume> volumes_;
  OrderedTable<SecretId, core::Secret> secrets_;
  OrderedTable<CredentialId, core::RegistryCredential> credentials_;
  OrderedTable<std::string, core::GpuMark> gpu_marks_;
  OrderedTable<DeliveryId, core::WebhookDelivery> deliveries_;
  OrderedTable<BatchId, core::Batch> batches_;
  OrderedTable<EndpointId, std::pair<EndpointId, Time>> last_requests_;
  std::map<EndpointId, std::map<int, core::Release>> releases_;
  OrderedTable<std::string, core::UsageRow> usage_;
  OrderedTable<std::string, core::Budget> budgets_;
  OrderedTable<EndpointId, core::EndpointPlaces> places_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(core::StoredState state) {
  return std::make_unique<MemoryStore>(std::move(state));
}

}  // namespace penstock::store
