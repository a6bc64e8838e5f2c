#include "trace_hash.h"

namespace penstock::simulation {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::uint64_t ms(Time time) {
  return static_cast<std::uint64_t>(to_ms(time));
}
std::uint64_t ms(const std::optional<Time>& time) {
  return time ? ms(*time) : ~0ULL;
}

}  // namespace

void TraceHash::number(std::uint64_t n) {
  value_ = (value_ ^ n) * 0x100000001b3ULL;
  value_ ^= value_ >> 29;
}

void TraceHash::text(std::string_view t) {
  number(t.size());
  number(std::hash<std::string_view>{}(t));
}

void TraceHash::payload(const core::Bytes& bytes) {
  if (bytes) {
    text(*bytes);
  } else {
    number(7);
  }
}

void TraceHash::state(const core::JobState& s) {
  number(static_cast<std::uint64_t>(s.status));
  number(static_cast<std::uint64_t>(s.attempt));
  number(static_cast<std::uint64_t>(s.retries));
  number(static_cast<std::uint64_t>(s.chunks_delivered));
  for (const std::uint64_t at : {ms(s.queued), ms(s.started), ms(s.finished), ms(s.ttl_deadline), ms(s.expires)}) {
    number(at);
  }
  text(s.worker.str());
  text(s.error.value_or("-"));
}

void TraceHash::delivery(const core::DeliveryState& s) {
  number(static_cast<std::uint64_t>(s.status));
  number(static_cast<std::uint64_t>(s.attempts));
  number(ms(s.next));
  text(s.last_error);
}

void TraceHash::worker(const core::Worker& w) {
  text(w.id.str());
  text(w.endpoint.str());
  text(w.launch_handle);
  text(w.placement.node);
  for (const int gpu : w.placement.gpus) number(static_cast<std::uint64_t>(gpu));
  number(static_cast<std::uint64_t>(w.release) * 4 + (w.external ? 2 : 0) + (w.draining ? 1 : 0));
  number(ms(w.created));
  number(ms(w.ready));
  text(core::to_text(w.start.kind));
  number(ms(w.frozen) * 2 + (w.gpu_parked ? 1 : 0));
  for (const std::uint64_t at : {ms(w.start.decided), ms(w.start.placed), ms(w.start.launched), ms(w.start.up),
                                 ms(w.start.polled), ms(w.start.job)}) {
    number(at);
  }
}

void TraceHash::view(const core::JobView& v) {
  text(v.id.str());
  number(static_cast<std::uint64_t>(v.status) * 64 + static_cast<std::uint64_t>(v.retries));
  payload(v.output);
  text(v.error.value_or("-"));
  number(static_cast<std::uint64_t>(v.delay_ms.value_or(-1)));
  number(static_cast<std::uint64_t>(v.execution_ms.value_or(-1)));
  text(v.worker.str());
  wait(v.wait);
}

void TraceHash::wait(const std::optional<core::WaitReason>& w) {
  if (!w) return number(3);
  number(static_cast<std::uint64_t>(w->code));
  text(w->message);
  number(ms(w->since));
}

void TraceHash::record(const core::Record& r) {
  number(r.index());
  std::visit(Overloaded{
                 [&](const core::AccountSaved& x) { text(x.account.id.str()); },
                 [&](const core::ApiKeySaved& x) { text(x.key.hash); },
                 [&](const core::TemplateSaved& x) {
                   text(x.value.id.str());
                   text(x.value.image);
                   text(x.value.bound_endpoint ? x.value.bound_endpoint->str() : "-");
                 },
                 [&](const core::TemplateRemoved& x) { text(x.id.str()); },
                 [&](const core::EndpointSaved& x) {
                   text(x.endpoint.id.str());
                   text(x.endpoint.gpu_ids);
                   for (const int n : {x.endpoint.workers_min, x.endpoint.workers_max, x.endpoint.version}) {
                     number(static_cast<std::uint64_t>(n));
                   }
                 },
                 [&](const core::EndpointRemoved& x) { text(x.id.str()); },
                 [&](const core::CountersSaved& x) {
                   text(x.endpoint.str());
                   number(static_cast<std::uint64_t>(x.counters.completed));
                   number(static_cast<std::uint64_t>(x.counters.failed));
                   number(static_cast<std::uint64_t>(x.counters.retried));
                 },
                 [&](const core::JobAdded& x) {
                   text(x.request.id.str());
                   payload(x.request.input);
                   state(x.state);
                 },
                 [&](const core::JobChanged& x) {
                   text(x.id.str());
                   state(x.state);
                   number(x.sets_output ? 1 : 0);
                   payload(x.output);
                 },
                 [&](const core::ChunkAdded& x) {
                   text(x.job.str());
                   number(static_cast<std::uint64_t>(x.index));
                   payload(x.chunk);
                 },
                 [&](const core::ChunksCleared& x) { text(x.job.str()); },
                 [&](const core::JobsForgotten& x) { number(ms(x.expired_at)); },
                 [&](const core::WorkerSaved& x) { worker(x.worker); },
                 [&](const core::WorkerRemoved& x) { text(x.id.str()); },
                 [&](const core::VolumeSaved& x) { text(x.value.id.str()); },
                 [&](const core::VolumeRemoved& x) { text(x.id.str()); },
                 [&](const core::SecretSaved& x) { text(x.value.id.str()); },
                 [&](const core::SecretRemoved& x) { text(x.id.str()); },
                 [&](const core::CredentialSaved& x) { text(x.value.id.str()); },
                 [&](const core::CredentialRemoved& x) { text(x.id.str()); },
                 [&](const core::BatchSaved& x) {
                   text(x.value.id.str());
                   text(core::to_text(x.value.status));
                   number(static_cast<std::uint64_t>(x.value.completed));
                   number(static_cast<std::uint64_t>(x.value.failed));
                 },
                 [&](const core::BatchRemoved& x) { text(x.id.str()); },
                 [&](const core::GpuMarkSaved& x) {
                   text(x.value.id);
                   text(x.value.reason);
                 },
                 [&](const core::GpuMarkRemoved& x) { text(x.id); },
                 [&](const core::WebhookAdded& x) {
                   text(x.delivery.id.str());
                   text(x.delivery.job.str());
                   text(x.delivery.url);
                   payload(x.delivery.content.output);
                   delivery(x.delivery.state);
                 },
                 [&](const core::ReleaseSaved& x) {
                   text(x.value.endpoint.str());
                   number(static_cast<std::uint64_t>(x.value.version));
                   for (const core::SettingChange& change : x.value.changes) text(change.field);
                 },
                 [&](const core::UsageSaved& x) {
                   text(x.value.endpoint.str());
                   text(x.value.pool);
                   number(ms(x.value.metered));
                   for (const std::int64_t used : x.value.worker_ms) number(static_cast<std::uint64_t>(used));
                 },
                 [&](const core::BudgetSaved& x) {
                   text(x.value.endpoint.str());
                   number(static_cast<std::uint64_t>(x.value.per_day.value_or(-1)));
                 },
                 [&](const core::PlacesSaved& x) {
                   text(x.value.endpoint.str());
                   for (const core::Placement& place : x.value.places) text(place.node);
                 },
                 [&](const core::WebhookChanged& x) {
                   text(x.id.str());
                   delivery(x.state);
                 },
             },
             r);
}

void TraceHash::reply(const core::Reply& r) {
  number(r.to);
  number(r.what.index());
  std::visit(Overloaded{
                 [&](const Error& x) { text(x.message); },
                 [&](const core::Done&) {},
                 [&](const core::JobAccepted& x) {
                   text(x.id.str());
                   wait(x.wait);
                 },
                 [&](const core::JobReply& x) { view(x.job); },
                 [&](const core::StreamPage& x) {
                   number(static_cast<std::uint64_t>(x.status));
                   number(static_cast<std::uint64_t>(x.first));
                   number(static_cast<std::uint64_t>(x.attempt));
                   for (const auto& chunk : x.chunks) payload(chunk);
                   wait(x.wait);
                 },
                 [&](const core::HandOuts& x) {
                   for (const auto& job : x.jobs) {
                     text(job.id.str());
                     number(static_cast<std::uint64_t>(job.attempt));
                   }
                 },
                 [&](const core::StopList& x) {
                   for (const auto& job : x.jobs) text(job.str());
                 },
                 [&](const core::Purged& x) { number(static_cast<std::uint64_t>(x.removed)); },
                 [&](const core::TemplateReply& x) { text(x.id.str()); },
                 [&](const core::EndpointReply& x) { text(x.id.str()); },
                 [&](const core::WorkerAttached& x) { text(x.id.str()); },
                 [&](const core::VolumeReply& x) { text(x.id.str()); },
                 [&](const core::SecretReply& x) { text(x.id.str()); },
                 [&](const core::CredentialReply& x) { text(x.id.str()); },
                 [&](const core::BatchReply& x) { text(x.view.batch.id.str()); },
                 [&](const core::DeliveryReply& x) { text(x.delivery.id.str()); },
                 [&](const core::ChunkPage& x) {
                   view(x.job);
                   number(static_cast<std::uint64_t>(x.first));
                   for (const auto& chunk : x.chunks) payload(chunk);
                 },
             },
             r.what);
}

void TraceHash::order(const core::LaunchOrder& o) {
  number(o.index());
  std::visit(Overloaded{
                 [&](const core::StartWorker& x) {
                   text(x.id.str());
                   text(x.image);
                   text(x.placement.node);
                   for (const auto& variable : x.env) text(variable.value);
                 },
                 [&](const core::StopWorker& x) {
                   text(x.id.str());
                   number(static_cast<std::uint64_t>(x.grace.count()));
                 },
                 [&](const core::AdoptWorker& x) {
                   text(x.id.str());
                   text(x.handle);
                   number((x.frozen ? 2U : 0U) + (x.gpu_parked ? 1U : 0U));
                 },
                 [&](const core::RemoveVolume& x) { text(x.id.str()); },
                 [&](const core::FreezeWorker& x) { text(x.id.str()); },
                 [&](const core::ThawWorker& x) { text(x.id.str()); },
             },
             o);
}

void TraceHash::add(Time now, const core::Effects& effects) {
  number(ms(now));
  for (const auto& r : effects.records) record(r);
  for (const auto& r : effects.replies) reply(r);
  for (const auto& o : effects.orders) order(o);
  for (const auto& p : effects.posts) {
    text(p.delivery.id.str());
    number(p.complete ? 1 : 0);
  }
  for (const auto& d : effects.decisions) {
    text(d.endpoint.str());
    text(core::to_text(d.inputs));
    text(core::to_text(d.decision));
    number(static_cast<std::uint64_t>(d.outcome.started));
    number(static_cast<std::uint64_t>(d.outcome.stopped));
    number(static_cast<std::uint64_t>(d.outcome.missing));
    text(d.outcome.why);
  }
  for (const auto& note : effects.notes) text(note);
  for (const auto& warning : effects.warnings) text(warning);
}

}  // namespace penstock::simulation
