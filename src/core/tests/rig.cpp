#include "core/tests/rig.h"

#include <algorithm>

namespace penstock::core {
namespace {

template <class Items, class Item, class Same>
void put(Items& items, Item item, Same&& same) {
  const auto found = std::ranges::find_if(items, same);
  if (found == items.end()) {
    items.push_back(std::move(item));
  } else {
    *found = std::move(item);
  }
}

}  // namespace

void Books::apply(const Record& record) {
  const auto job = [this](const JobId& id) {
    const auto found = std::ranges::find_if(jobs_, [&](const StoredJob& j) { return j.request.id == id; });
    return found == jobs_.end() ? nullptr : &*found;
  };
  if (const auto* r = std::get_if<AccountSaved>(&record)) {
    put(rest_.accounts, r->account, [&](const Account& a) { return a.id == r->account.id; });
  }
  if (const auto* r = std::get_if<ApiKeySaved>(&record)) rest_.keys.push_back(r->key);
  if (const auto* r = std::get_if<TemplateSaved>(&record)) {
    put(rest_.templates, r->value, [&](const Template& t) { return t.id == r->value.id; });
  }
  if (const auto* r = std::get_if<TemplateRemoved>(&record)) {
    std::erase_if(rest_.templates, [&](const Template& t) { return t.id == r->id; });
  }
  if (const auto* r = std::get_if<VolumeSaved>(&record)) {
    put(rest_.volumes, r->value, [&](const NetworkVolume& v) { return v.id == r->value.id; });
  }
  if (const auto* r = std::get_if<VolumeRemoved>(&record)) {
    std::erase_if(rest_.volumes, [&](const NetworkVolume& v) { return v.id == r->id; });
  }
  if (const auto* r = std::get_if<SecretSaved>(&record)) {
    put(rest_.secrets, r->value, [&](const Secret& s) { return s.id == r->value.id; });
  }
  if (const auto* r = std::get_if<SecretRemoved>(&record)) {
    std::erase_if(rest_.secrets, [&](const Secret& s) { return s.id == r->id; });
  }
  if (const auto* r = std::get_if<CredentialSaved>(&record)) {
    put(rest_.credentials, r->value, [&](const RegistryCredential& c) { return c.id == r->value.id; });
  }
  if (const auto* r = std::get_if<GpuMarkSaved>(&record)) {
    put(rest_.gpu_marks, r->value, [&](const GpuMark& m) { return m.id == r->value.id; });
  }
  if (const auto* r = std::get_if<GpuMarkRemoved>(&record)) {
    std::erase_if(rest_.gpu_marks, [&](const GpuMark& m) { return m.id == r->id; });
  }
  if (const auto* r = std::get_if<CredentialRemoved>(&record)) {
    std::erase_if(rest_.credentials, [&](const RegistryCredential& c) { return c.id == r->id; });
  }
  if (const auto* r = std::get_if<EndpointSaved>(&record)) {
    put(rest_.endpoints, r->endpoint, [&](const Endpoint& e) { return e.id == r->endpoint.id; });
  }
  if (const auto* r = std::get_if<EndpointRemoved>(&record)) {
    std::erase_if(rest_.endpoints, [&](const Endpoint& e) { return e.id == r->id; });
    std::erase_if(jobs_, [&](const StoredJob& j) { return j.request.endpoint == r->id; });
    std::erase_if(rest_.batches, [&](const Batch& b) { return b.endpoint == r->id; });
    std::erase_if(rest_.places, [&](const EndpointPlaces& p) { return p.endpoint == r->id; });
  }
  if (const auto* r = std::get_if<BatchSaved>(&record)) {
    put(rest_.batches, r->value, [&](const Batch& b) { return b.id == r->value.id; });
  }
  if (const auto* r = std::get_if<BatchRemoved>(&record)) {
    std::erase_if(rest_.batches, [&](const Batch& b) { return b.id == r->id; });
  }
  if (const auto* r = std::get_if<CountersSaved>(&record)) {
    put(rest_.last_requests, std::pair(r->endpoint, r->last_request),
        [&](const auto& c) { return c.first == r->endpoint; });
    put(rest_.counters, std::pair(r->endpoint, r->counters), [&](const auto& c) { return c.first == r->endpoint; });
  }
  if (const auto* r = std::get_if<JobAdded>(&record)) jobs_.push_back(as_stored(*r));
  if (const auto* r = std::get_if<JobChanged>(&record)) update(*job(r->id), *r);
  if (const auto* r = std::get_if<ChunkAdded>(&record)) job(r->job)->chunks.push_back(r->chunk);
  if (const auto* r = std::get_if<ChunksCleared>(&record)) job(r->job)->chunks.clear();
  if (const auto* r = std::get_if<JobsForgotten>(&record)) {
    std::erase_if(jobs_,
                  [&](const StoredJob& j) { return is_terminal(j.state.status) && j.state.expires <= r->expired_at; });
    std::erase_if(deliveries_, [&](const WebhookDelivery& d) {
      return d.state.status != DeliveryStatus::pending && d.state.expires <= r->expired_at;
    });
  }
  if (const auto* r = std::get_if<WebhookAdded>(&record)) deliveries_.push_back(r->delivery);
  if (const auto* r = std::get_if<WebhookChanged>(&record)) {
    const auto found = std::ranges::find(deliveries_, r->id, &WebhookDelivery::id);
    if (found != deliveries_.end()) found->state = r->state;
  }
  if (const auto* r = std::get_if<WorkerSaved>(&record)) {
    put(rest_.workers, r->worker, [&](const Worker& w) { return w.id == r->worker.id; });
  }
  if (const auto* r = std::get_if<ReleaseSaved>(&record)) {
    put(rest_.releases, std::pair(r->value.endpoint, r->value.version),
        [&](const auto& c) { return c.first == r->value.endpoint; });
    put(releases_, r->value,
        [&](const Release& one) { return one.endpoint == r->value.endpoint && one.version == r->value.version; });
  }
  if (const auto* r = std::get_if<UsageSaved>(&record)) {
    put(rest_.usage, r->value, [&](const UsageRow& row) {
      return row.endpoint == r->value.endpoint && row.pool == r->value.pool && row.hour == r->value.hour;
    });
  }
  if (const auto* r = std::get_if<BudgetSaved>(&record)) {
    put(rest_.budgets, r->value,
        [&](const Budget& budget) { return budget.owner == r->value.owner && budget.endpoint == r->value.endpoint; });
    std::erase_if(rest_.budgets, [](const Budget& budget) { return !budget.per_day; });
  }
  if (const auto* r = std::get_if<PlacesSaved>(&record)) {
    put(rest_.places, r->value, [&](const EndpointPlaces& p) { return p.endpoint == r->value.endpoint; });
  }
  if (const auto* r = std::get_if<WorkerRemoved>(&record)) {
    std::erase_if(rest_.workers, [&](const Worker& w) { return w.id == r->id; });
  }
}

std::vector<Release> Books::releases_of(const EndpointId& endpoint) const {
  std::vector<Release> out;
  for (const Release& release : releases_) {
    if (release.endpoint == endpoint) out.push_back(release);
  }
  return out;
}

StoredState Books::load() const {
  StoredState state = rest_;
  for (const StoredJob& job : jobs_) {
    if (!is_terminal(job.state.status)) state.jobs.push_back(job);
  }
  for (WebhookDelivery delivery : deliveries_) {
    if (delivery.state.status != DeliveryStatus::pending) continue;
    delivery.content.input = delivery.content.output = nullptr;
    state.deliveries.push_back(std::move(delivery));
  }
  return state;
}

const WebhookDelivery* Books::find(const DeliveryId& id) const {
  const auto found = std::ranges::find(deliveries_, id, &WebhookDelivery::id);
  return found == deliveries_.end() ? nullptr : &*found;
}

const StoredJob* Books::find(const JobId& id) const {
  const auto found = std::ranges::find_if(jobs_, [&](const StoredJob& j) { return j.request.id == id; });
  return found == jobs_.end() ? nullptr : &*found;
}

std::vector<Node> Rig::node_with(int gpus) {
  Node node;
  node.name = "here";
  for (int i = 0; i < gpus; ++i) node.gpus.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
  return {node};
}

Rig::Rig(EngineSettings s) : Rig(s, node_with(8)) {}

Rig::Rig(EngineSettings s, std::vector<Node> n)
    : settings(s),
      nodes(std::move(n)),
      engine(std::make_unique<Engine>(settings, nodes, random)),
      owner(*AccountId::parse("user_1")) {
  apply(SaveAccount{Account{owner, "", now}});
}

void Rig::absorb() {
  for (const Record& record : last.records) books.apply(record);
  for (const Reply& reply : last.replies) {
    EXPECT_TRUE(replies_.emplace(reply.to, reply).second) << "caller " << reply.to << " is answered twice";
  }
  const auto append = [](const auto& from, auto& to) { to.insert(to.end(), from.begin(), from.end()); };
  append(last.records, all.records);
  append(last.replies, all.replies);
  append(last.orders, all.orders);
  append(last.posts, all.posts);
  append(last.reads, all.reads);
  append(last.decisions, all.decisions);
  append(last.notes, all.notes);
  append(last.warnings, all.warnings);
  engine->check_invariants();
}

void Rig::apply(Command command) {
  last.clear();
  engine->apply(now, std::move(command), last);
  absorb();
}

void Rig::recall(const JobId& job) {
  apply(RecallJob{*books.find(job)});
}

void Rig::advance(Millis time) {
  const Time until = now + time;
  while (engine->next_wakeup() && *engine->next_wakeup() <= until) {
    now = std::max(now, *engine->next_wakeup());
    apply(Tick{});
  }
  now = until;
}

void Rig::restart(std::vector<Absence> absences) {
  engine = std::make_unique<Engine>(settings, nodes, random);
  last.clear();
  StoredState state = books.load();
  state.absences = std::move(absences);
  engine->restore(now, std::move(state), last);
  absorb();
}

EndpointId Rig::endpoint(const Edit& edit) {
  EndpointInput input;
  const std::string number = std::to_string(++names_);
  input.name = "endpoint " + number;
  input.gpu_ids = std::string("ADA_24");
  TemplateInput value;
  value.name = "template " + number;
  value.image = std::string("example/image:1");
  input.new_template = value;
  if (edit) edit(input);
  const Token token = send(SaveEndpoint{0, owner, input});
  return reply<EndpointReply>(token).id;
}

Token Rig::save(const EndpointId& id, const Edit& edit) {
  EndpointInput input;
  input.id = id.str();
  input.name = engine->find_endpoint(id)->name;
  edit(input);
  return send(SaveEndpoint{0, owner, input});
}

JobId Rig::submit(const EndpointId& endpoint, const std::function<void(JobRequest&)>& edit) {
  Submit command;
  command.request.endpoint = endpoint;
  command.request.input = bytes("{\"n\":" + std::to_string(++names_) + "}");
  if (edit) edit(command.request);
  return reply<JobAccepted>(send(std::move(command))).id;
}

Token Rig::run_sync(const EndpointId& endpoint, Millis wait) {
  Submit command;
  command.request.endpoint = endpoint;
  command.request.input = bytes("{}");
  command.request.sync = true;
  command.wait = wait;
  return send(std::move(command));
}

JobView Rig::job(const EndpointId& endpoint, const JobId& id) const {
  const auto view = engine->find_job(now, endpoint, id);
  EXPECT_TRUE(view) << "job " << id.str() << " is not there";
  return view.value_or(JobView{});
}

std::vector<WorkerId> Rig::started() const {
  std::vector<WorkerId> out;
  for (const LaunchOrder& order : all.orders) {
    if (const auto* start = std::get_if<StartWorker>(&order)) out.push_back(start->id);
  }
  return out;
}

std::vector<StopWorker> Rig::stopped() const {
  std::vector<StopWorker> out;
  for (const LaunchOrder& order : all.orders) {
    if (const auto* stop = std::get_if<StopWorker>(&order)) out.push_back(*stop);
  }
  return out;
}

Token Rig::take(const EndpointId& endpoint, const WorkerId& worker, int max_jobs, bool busy) {
  return send(TakeJobs{0, endpoint, worker, max_jobs, busy});
}

Token Rig::poll_stops(const EndpointId& endpoint, const WorkerId& worker) {
  return send(PollStops{0, endpoint, worker});
}

std::vector<JobId> Rig::work(const EndpointId& endpoint, const WorkerId& worker, int max_jobs) {
  std::vector<JobId> ids;
  const Token poll = take(endpoint, worker, max_jobs);
  if (answered(poll)) {
    for (const HandOut& job : reply<HandOuts>(poll).jobs) ids.push_back(job.id);
  }
  return ids;
}

Token Rig::finish(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* output) {
  return send(FinishJob{0, endpoint, worker, job, bytes(output), std::nullopt, false});
}

Token Rig::fail_job(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* error) {
  return send(FinishJob{0, endpoint, worker, job, nullptr, error, false});
}

Token Rig::chunk(const EndpointId& endpoint, const WorkerId& worker, const JobId& job, const char* text) {
  return send(AddChunk{0, endpoint, worker, job, bytes(text)});
}

Token Rig::read(const EndpointId& endpoint, const JobId& job, Millis wait) {
  return send(ReadStream{0, endpoint, job, wait});
}

void Rig::page_done(const EndpointId& endpoint, const JobId& job, const StreamPage& page, bool written) {
  apply(StreamRead{endpoint, job, page.attempt, page.first, static_cast<int>(page.chunks.size()), written});
}

void Rig::ping(const EndpointId& endpoint, const WorkerId& worker, std::vector<JobId> jobs) {
  apply(Ping{endpoint, worker, std::move(jobs), std::nullopt});
}

Rig::Staffed Rig::staffed(const Edit& edit) {
  Staffed out;
  out.endpoint = endpoint([&](EndpointInput& in) {
    in.workers_min = 1;
    in.workers_max = 1;
    if (edit) edit(in);
  });
  out.worker = started().back();
  apply(WorkerStarted{out.worker, "handle"});
  out.poll = take(out.endpoint, out.worker);
  return out;
}

WorkerId Rig::attach(const EndpointId& endpoint) {
  return reply<WorkerAttached>(send(AttachWorker{0, endpoint})).id;
}

std::vector<std::string> Rig::chunk_texts(const StreamPage& page) const {
  std::vector<std::string> out;
  for (const Bytes& chunk : page.chunks) out.push_back(*chunk);
  return out;
}

bool Rig::noted(const std::string& text) const {
  const auto says = [&](const std::string& note) { return note.find(text) != std::string::npos; };
  return std::ranges::any_of(all.notes, says) || std::ranges::any_of(all.warnings, says);
}

}  // namespace penstock::core
