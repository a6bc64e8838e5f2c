#include "core/engine.h"

#include <algorithm>

#include "core/engine_state.h"

namespace penstock::core {
namespace {

constexpr Millis kSweepInterval{60'000};

}  // namespace

// ---------------------------------------------------------------- state: callers and look-ups

EngineState::EngineState(EngineSettings s, std::vector<Node> nodes, Random& r)
    : settings(s),
      random(r),
      fleet(std::move(nodes)),
      gpu_health(s.gpu_deaths_max),
      meters({settings.prices, settings.discount, settings.discount_until}) {}

Waiter& EngineState::add_waiter(Token to, Waiter::Kind kind, Time deadline) {
  auto made = std::make_unique<Waiter>(timers, to);
  made->kind = kind;
  Waiter& waiter = *made;
  ENSURE(to != 0 && waiters.emplace(to, std::move(made)).second);
  waiter.since = now;
  waiter.timer.arm(deadline, &waiter);
  return waiter;
}

void EngineState::drop_waiter(Waiter& waiter) {
  if (waiter.job) {
    Waiters& all = waiter.job->waiters;
    all.erase(std::ranges::find(all, &waiter));
  }
  if (waiter.worker && waiter.worker->take_poll == &waiter) {
    waiter.worker->take_poll = nullptr;
    waiter.worker->polled = now;
    if (waiter.worker->endpoint) std::erase(waiter.worker->endpoint->polling, waiter.worker);
  }
  if (waiter.worker && waiter.worker->stop_poll == &waiter) waiter.worker->stop_poll = nullptr;
  waiters.erase(waiter.token);
}

void EngineState::waiter_due(Waiter& waiter) {
  const Token to = waiter.token;
  switch (waiter.kind) {
    case Waiter::Kind::job:
      reply_about(*waiter.job, to, JobReply{view_of(*waiter.job)});
      break;
    case Waiter::Kind::stream:
      reply_about(*waiter.job, to, take_page(*waiter.job));
      break;
    case Waiter::Kind::chunks:
      reply_about(*waiter.job, to, chunk_page(*waiter.job, waiter.from, waiter.bytes_max));
      break;
    case Waiter::Kind::take:
      reply(to, HandOuts{});
      break;
    case Waiter::Kind::stops:
      reply(to, StopList{});
      break;
    case Waiter::Kind::refusal:
      reply(to, waiter.refusal);
      break;
  }
  if (waiter.worker && waiter.worker->endpoint) touch(*waiter.worker->endpoint);
  drop_waiter(waiter);
}

EndpointEntry* EngineState::endpoint_or_refuse(const EndpointId& id, Token to) {
  const auto found = endpoints.find(id);
  if (found != endpoints.end()) return found->second.get();
  reply_error(to, Errc::not_found, "endpoint \"" + id.str() + "\" not found");
  return nullptr;
}

JobEntry* EngineState::find(const EndpointId& endpoint, const JobId& job) const {
  const auto entry = endpoints.find(endpoint);
  return entry == endpoints.end() ? nullptr : find(*entry->second, job);
}

JobEntry* EngineState::find(const EndpointEntry& entry, const JobId& job) const {
  const auto found = entry.jobs.find(job.str());
  if (found == entry.jobs.end()) return nullptr;
  const JobState& state = found->second->state;
  if (is_terminal(state.status) && state.expires <= now) return nullptr;
  return found->second.get();
}

JobEntry* EngineState::find_keyed(const EndpointEntry& entry, std::string_view idempotency_key) const {
  const auto found = entry.keyed.find(idempotency_key);
  if (found == entry.keyed.end()) return nullptr;
  const JobState& state = found->second->state;
  return is_terminal(state.status) && state.expires <= now ? nullptr : found->second;
}

JobEntry* EngineState::job_or_refuse(const EndpointId& endpoint, const JobId& job, Token to) {
  const EndpointEntry* entry = endpoint_or_refuse(endpoint, to);
  if (!entry) return nullptr;
  if (JobEntry* found = find(*entry, job)) return found;
  reply_error(to, Errc::not_found,
              "job \"" + to_string(job) + "\" not found in endpoint \"" + endpoint.str() +
                  "\": it was never submitted there, or its result has been forgotten");
  return nullptr;
}

WorkerEntry* EngineState::worker_of(const EndpointId& endpoint, const WorkerId& worker) {
  const auto found = workers.find(worker);
  if (found == workers.end() || !found->second->endpoint || found->second->worker.endpoint != endpoint) return nullptr;
  return found->second.get();
}

// ---------------------------------------------------------------- state: time

void EngineState::run_due_timers() {
  while (const auto target = timers.take_due(now)) {
    if (const auto* job = std::get_if<JobEntry*>(&*target)) {
      job_due(**job);
    } else if (const auto* endpoint = std::get_if<EndpointEntry*>(&*target)) {
      touch(**endpoint);
    } else if (const auto* delivery = std::get_if<DeliveryEntry*>(&*target)) {
      delivery_due(**delivery);
    } else if (const auto* batch = std::get_if<BatchEntry*>(&*target)) {
      batch_due(**batch);
    } else {
      waiter_due(*std::get<Waiter*>(*target));
    }
  }
  if (now < next_sweep) return;
  next_sweep = now + kSweepInterval;
  fx->records.push_back(JobsForgotten{now});
  sweep_usage();
  for (auto it = residents.begin(); it != residents.end();) {
    JobEntry& job = *it++;
    if (job.state.expires <= now) let_go(job);
  }
}

void EngineState::review_dirty() {
  // A review may touch others (a freed GPU is somebody's chance), so the list can grow while it is walked.
  do {
    for (std::size_t i = 0; i < dirty.size(); ++i) {
      EndpointEntry* entry = dirty[i];
      if (!entry) continue;
      entry->touched = false;
      review(*entry);
    }
    dirty.clear();
    share_out();  // whoever is called finds a place, so this comes to an end
  } while (!dirty.empty());
}

void EngineState::hand_out_touched() {
  for (std::size_t i = 0; i < with_chances.size(); ++i) {
    EndpointEntry* entry = with_chances[i];
    if (!entry) continue;
    if (!shut_down) dispatch(*entry);
    entry->has_chance = false;
  }
  with_chances.clear();
}

void EngineState::send_unexplained() {
  for (Unexplained& waiting : unexplained) explain_and_send(waiting);
  unexplained.clear();
}

void EngineState::explain_and_send(Unexplained& waiting) {
  const JobEntry& job = *waiting.job;
  auto& what = waiting.reply.what;
  auto* accepted = std::get_if<JobAccepted>(&what);
  auto* answer = std::get_if<JobReply>(&what);
  if (answer) answer->job = view_of(job);  // it may have been handed out or have ended since
  if (is_terminal(job.state.status)) {
    if (accepted) accepted->status = job.state.status;
  } else {
    if (accepted) accepted->wait = wait_reason(job);
    if (answer) answer->job.wait = wait_reason(job);
    if (auto* page = std::get_if<StreamPage>(&what)) page->wait = wait_reason(job);
    if (auto* page = std::get_if<ChunkPage>(&what)) page->job.wait = wait_reason(job);
  }
  fx->replies.push_back(std::move(waiting.reply));
}

void EngineState::on(Tick&) {}

void EngineState::on(Forget& c) {
  const auto found = waiters.find(c.token);
  if (found == waiters.end()) return;
  WorkerEntry* worker = found->second->worker;
  drop_waiter(*found->second);
  if (worker && worker->endpoint) touch(*worker->endpoint);
}

void EngineState::on(Shutdown& c) {
  shut_down = true;
  shut_down_at = now;
  save_usage(meters.take_all_changed(now));
  std::vector<Token> tokens;
  for (const auto& [token, waiter] : waiters) tokens.push_back(token);
  std::ranges::sort(tokens);
  for (const Token token : tokens) waiter_due(*waiters.at(token));
  for (EndpointEntry* entry : endpoint_order) {
    for (WorkerEntry* worker : entry->workers) {
      if (worker->worker.external) continue;
      if (c.workers != StopWorkers::all && is_frozen(*worker)) continue;  // it is adopted as it is
      if (c.workers == StopWorkers::all || worker->holding.empty()) {
        send_stop(*worker, c.workers == StopWorkers::all ? Millis{2'000} : settings.stop_grace);
      }
    }
  }
}

// ---------------------------------------------------------------- state: restore

namespace {

AdoptWorker adoption(const Worker& worker) {
  return {worker.id, worker.launch_handle, worker.frozen.has_value(), worker.gpu_parked};
}

}  // namespace

void EngineState::restore(StoredState stored) {
  started = now;
  absences = std::move(stored.absences);
  next_sweep = now;
  for (auto& account : stored.accounts) accounts.emplace(account.id, account);
  for (auto& key : stored.keys) keys.emplace(key.hash, key);
  for (auto& value : stored.templates) {
    template_order.push_back(value.id);
    templates.emplace(value.id, std::move(value));
  }
  for (auto& value : stored.volumes) {
    volume_order.push_back(value.id);
    volumes.emplace(value.id, std::move(value));
  }
  for (auto& value : stored.secrets) {
    secret_order.push_back(value.id);
    secrets.emplace(value.id, std::move(value));
  }
  for (auto& value : stored.credentials) {
    credential_order.push_back(value.id);
    credentials.emplace(value.id, std::move(value));
  }
  for (auto& endpoint : stored.endpoints) {
    auto entry = std::make_unique<EndpointEntry>(timers);
    entry->endpoint = std::move(endpoint);
    entry->endpoint.revision = {++last_revision};
    endpoint_order.push_back(entry.get());
    endpoints.emplace(entry->endpoint.id, std::move(entry));
  }
  // What is always to be there is there before what others want more.
  for (const bool minimum : {true, false}) {
    for (EndpointEntry* entry : endpoint_order) {
      if ((entry->endpoint.workers_min > 0) == minimum) touch(*entry);
    }
  }
  for (const auto& [id, counters] : stored.counters) {
    const auto found = endpoints.find(id);
    if (found != endpoints.end()) found->second->counters = counters;
  }
  restore_fleet(stored);
  restore_places(std::move(stored.places));
  for (auto& worker : stored.workers) {
    const auto found = endpoints.find(worker.endpoint);
    EndpointEntry* owner = found == endpoints.end() ? nullptr : found->second.get();
    auto entry = std::make_unique<WorkerEntry>();
    entry->worker = std::move(worker);
    entry->endpoint = owner;
    entry->idle_since = now;
    entry->last_contact = now;
    // A parked one has no GPUs now, but its own when it is thawed.
    Fleet unchanged = fleet;
    Fleet& holder = entry->worker.gpu_parked ? unchanged : fleet;
    entry->worker.placement = holder.restore(std::move(entry->worker.placement));
    if (owner) owner->workers.push_back(entry.get());
    if (owner && !entry->worker.external) recall_place(*owner, entry->worker.placement);
    if (owner) recall_start(*owner, entry->worker);
    WorkerEntry& added = *entry;
    workers.emplace(added.worker.id, std::move(entry));
    if (!added.worker.external) fx->orders.push_back(adoption(added.worker));
    if (!owner) send_stop(added, settings.stop_grace);
    if (is_frozen(added)) frozen.push_back(&added);
  }
  gpu_health.restore(std::move(stored.gpu_marks));
  sync_blocked_gpus();
  std::ranges::sort(frozen, {}, [](const WorkerEntry* w) { return std::pair(*w->worker.frozen, w->worker.id); });
  restore_deliveries(std::move(stored.deliveries));
  restore_batches(std::move(stored.batches));
  restore_jobs(std::move(stored.jobs));
  restore_usage();
}

// ---------------------------------------------------------------- Engine

namespace {

template <class Id, class Value>
const Value* find_in(const std::map<Id, Value>& table, const Id& id) {
  const auto found = table.find(id);
  return found == table.end() ? nullptr : &found->second;
}

/// What is the account's, in the given order.
template <class Id, class Value>
std::vector<const Value*> owned(const std::map<Id, Value>& table, const std::vector<Id>& order,
                                const AccountId& owner) {
  std::vector<const Value*> out;
  for (const Id& id : order) {
    const Value& value = table.at(id);
    if (value.owner == owner) out.push_back(&value);
  }
  return out;
}

}  // namespace

Engine::Engine(EngineSettings settings, std::vector<Node> nodes, Random& random)
    : state_(std::make_unique<EngineState>(settings, std::move(nodes), random)) {}
Engine::~Engine() = default;

void Engine::restore(Time now, StoredState state, Effects& effects) {
  state_->now = now;
  state_->fx = &effects;
  state_->restore(std::move(state));
  end_turn(effects);
}

void Engine::apply(Time now, Command command, Effects& effects) {
  apply_in_turn(now, std::move(command), effects);
  end_turn(effects);
}

void Engine::apply_in_turn(Time now, Command&& command, Effects& effects) {
  state_->now = std::max(now, state_->now);
  state_->fx = &effects;
  if (state_->is_due()) {  // what was due before the command is done before it
    state_->run_due_timers();
    state_->review_dirty();
  }
  std::visit([this](auto& c) { state_->on(c); }, command);
  state_->hand_out_touched();
  state_->fx = nullptr;
}

void Engine::end_turn(Effects& effects) {
  state_->fx = &effects;
  state_->review_dirty();
  state_->send_unexplained();
  state_->trim_residents();
  state_->arrivals_before_turn = state_->last_arrival;
  state_->fx = nullptr;
}

std::optional<Time> Engine::next_wakeup() const {
  return std::min(state_->timers.next(), state_->next_sweep);
}

const EngineSettings& Engine::settings() const {
  return state_->settings;
}
const Fleet& Engine::fleet() const {
  return state_->fleet;
}

const Account* Engine::first_account() const {
  return state_->accounts.empty() ? nullptr : &state_->accounts.begin()->second;
}

const Account* Engine::find_account(const AccountId& id) const {
  const auto found = state_->accounts.find(id);
  return found == state_->accounts.end() ? nullptr : &found->second;
}

const ApiKey* Engine::find_key(const std::string& hash) const {
  const auto found = state_->keys.find(hash);
  return found == state_->keys.end() ? nullptr : &found->second;
}

std::vector<const ApiKey*> Engine::keys_of(const AccountId& account) const {
  std::vector<const ApiKey*> out;
  for (const auto& [hash, key] : state_->keys) {
    if (key.account == account) out.push_back(&key);
  }
  std::ranges::sort(out, {}, [](const ApiKey* key) { return std::pair(key->created, key->id); });
  return out;
}

const Endpoint* Engine::find_endpoint(const EndpointId& id) const {
  const auto found = state_->endpoints.find(id);
  return found == state_->endpoints.end() ? nullptr : &found->second->endpoint;
}

std::vector<const Endpoint*> Engine::endpoints_of(const AccountId& owner) const {
  std::vector<const Endpoint*> out;
  for (const EndpointEntry* entry : state_->endpoint_order) {
    if (entry->endpoint.owner == owner) out.push_back(&entry->endpoint);
  }
  return out;
}

const Template* Engine::find_template(const TemplateId& id) const {
  const auto found = state_->templates.find(id);
  return found == state_->templates.end() ? nullptr : &found->second;
}

std::vector<const Template*> Engine::templates_of(const AccountId& owner) const {
  return owned(state_->templates, state_->template_order, owner);
}

std::vector<const Template*> Engine::public_templates() const {
  std::vector<const Template*> out;
  for (const auto& id : state_->template_order) {
    const Template& value = state_->templates.at(id);
    if (value.is_public) out.push_back(&value);
  }
  return out;
}

const NetworkVolume* Engine::find_volume(const VolumeId& id) const {
  return find_in(state_->volumes, id);
}

VolumeId Engine::volume_at(const Endpoint& endpoint, const Placement& placement) const {
  return state_->volume_at(endpoint, placement);
}

std::vector<const NetworkVolume*> Engine::volumes_of(const AccountId& owner) const {
  return owned(state_->volumes, state_->volume_order, owner);
}

const Secret* Engine::find_secret(const SecretId& id) const {
  return find_in(state_->secrets, id);
}

std::vector<const Secret*> Engine::secrets_of(const AccountId& owner) const {
  return owned(state_->secrets, state_->secret_order, owner);
}

const RegistryCredential* Engine::find_credential(const CredentialId& id) const {
  return find_in(state_->credentials, id);
}

std::vector<const RegistryCredential*> Engine::credentials_of(const AccountId& owner) const {
  return owned(state_->credentials, state_->credential_order, owner);
}

bool Engine::has_job(const EndpointId& endpoint, const JobId& job) const {
  const auto entry = state_->endpoints.find(endpoint);
  return entry != state_->endpoints.end() && entry->second->jobs.contains(job.str());
}

bool Engine::has_key(const EndpointId& endpoint, std::string_view idempotency_key) const {
  const auto entry = state_->endpoints.find(endpoint);
  return entry != state_->endpoints.end() && state_->find_keyed(*entry->second, idempotency_key);
}

Result<JobView> Engine::find_job(Time now, const EndpointId& endpoint, const JobId& job) const {
  if (!find_endpoint(endpoint)) return fail(Errc::not_found, "endpoint \"" + endpoint.str() + "\" not found");
  const JobEntry* found = state_->find(endpoint, job);
  if (!found || (is_terminal(found->state.status) && found->state.expires <= now)) {
    return fail(Errc::not_found, "job \"" + to_string(job) + "\" not found in endpoint \"" + endpoint.str() +
                                     "\": it was never submitted there, or its result has been forgotten");
  }
  JobView view = view_of(*found);
  if (!is_terminal(found->state.status)) view.wait = state_->wait_reason(*found);
  return view;
}

namespace {

BatchView view_of(const BatchEntry& entry) {
  return {entry.batch, entry.in_progress};
}

}  // namespace

Result<BatchView> Engine::find_batch(const EndpointId& endpoint, const BatchId& batch) const {
  const auto entry = state_->endpoints.find(endpoint);
  if (entry == state_->endpoints.end()) return fail(Errc::not_found, "endpoint \"" + endpoint.str() + "\" not found");
  const auto found = entry->second->batches.find(batch);
  if (found == entry->second->batches.end()) {
    return fail(Errc::not_found, "batch \"" + batch.str() + "\" not found in endpoint \"" + endpoint.str() + "\"");
  }
  return view_of(*found->second);
}

std::vector<BatchView> Engine::batches_of(const EndpointId& endpoint) const {
  std::vector<BatchView> out;
  const auto entry = state_->endpoints.find(endpoint);
  if (entry == state_->endpoints.end()) return out;
  for (const auto& [id, batch] : entry->second->batches) out.push_back(view_of(*batch));
  std::ranges::reverse(out);
  return out;
}

int Engine::webhooks_in_flight() const {
  return state_->webhooks_in_flight;
}

void Engine::check_invariants() const {
  state_->check_deliveries();
  state_->check_frozen();
  state_->check_line();
  int webhooks_open = static_cast<int>(state_->deliveries.size());
  std::size_t queued_bytes = 0;
  for (const EndpointEntry* entry : state_->endpoint_order) {
    int queued = 0;
    int batch_jobs = 0;
    int in_progress = 0;
    int away = 0;
    for (const auto& [id, job] : entry->jobs) {
      ENSURE(job->request.id.str().data() == id.data());
      const bool keyed = !job->request.idempotency_key.empty() && !is_terminal(job->state.status);
      ENSURE(!keyed || entry->keyed.at(job->request.idempotency_key) == job.get());
      webhooks_open += !job->request.webhook.empty() && !is_terminal(job->state.status) ? 1 : 0;
      const BatchEntry* batch = state_->batch_of(*job);
      const bool is_held = batch && batch->batch.status == BatchStatus::draft;
      ENSURE(job->place.has_value() == (job->state.status == JobStatus::in_queue && !is_held));
      ENSURE(!batch || batch->unfinished.contains(job->arrival) != is_terminal(job->state.status));
      queued += job->place ? 1 : 0;
      batch_jobs += job->place && !job->request.batch.empty() ? 1 : 0;
      ENSURE(job->request.input || job->state.status != JobStatus::in_progress);
      if (job->place && job->request.input) {
        queued_bytes += job->request.input->size() + (job->request.s3_config ? job->request.s3_config->size() : 0);
      } else if (job->place) {
        ++away;
      }
      if (job->state.status == JobStatus::in_progress) {
        ++in_progress;
        const auto worker = state_->workers.find(job->state.worker);
        ENSURE(worker != state_->workers.end() && worker->second->endpoint == entry);
        ENSURE(worker->second->holding.contains(id));
      }
      ENSURE(job->is_linked() == is_terminal(job->state.status));
      ENSURE(!is_terminal(job->state.status) || job->waiters.empty());
    }
    ENSURE(queued == entry->queue.size());
    ENSURE(away == entry->inputs_away);
    ENSURE((entry->queue.front(state_->settings.priority_ageing) == nullptr) == (queued == 0));
    ENSURE(in_progress == entry->in_progress);
    ENSURE(batch_jobs == entry->batch_jobs_queued);
    for (const auto& [id, batch] : entry->batches) {
      const Batch& b = batch->batch;
      ENSURE(b.requests == b.completed + b.failed + static_cast<int>(batch->unfinished.size()));
      ENSURE(batch->in_progress == std::ranges::count_if(batch->unfinished, [](const auto& one) {
               return one.second->state.status == JobStatus::in_progress;
             }));
      ENSURE(b.ended.has_value() == (b.status != BatchStatus::draft && batch->unfinished.empty()));
      ENSURE(batch->timer.armed() == (b.status == BatchStatus::draft || b.ended));
    }
    int managed = 0;
    for (const WorkerEntry* worker : entry->workers) {
      ENSURE(worker->endpoint == entry);
      managed += !worker->worker.external && !worker->worker.draining ? 1 : 0;
      for (const auto& [id, job] : worker->holding) {
        ENSURE(job->state.status == JobStatus::in_progress && job->state.worker == worker->worker.id);
      }
    }
    ENSURE(state_->shut_down || managed <= entry->endpoint.workers_max);
    for (const WorkerEntry* worker : entry->polling) ENSURE(worker->take_poll != nullptr);
  }
  ENSURE(webhooks_open == state_->webhooks_open);
  ENSURE(queued_bytes == state_->queued_bytes);
}

}  // namespace penstock::core
