#include "api/jobs/job_events.h"

#include <limits>
#include <optional>

#include "api/answers.h"
#include "api/jobs/job_text.h"
#include "api/server_events.h"
#include "base/number.h"

namespace penstock::api {
namespace {

constexpr Millis kHeartbeat{15'000};
constexpr std::string_view kEndId = "end";

/// The index behind the event that the client saw last; 0 without one. Nothing when it is none of ours.
std::optional<int> place_after(std::string_view last_id) {
  if (last_id.empty()) return 0;
  const auto index = parse_number<int>(last_id);
  if (!index || *index < 0 || *index == std::numeric_limits<int>::max()) return std::nullopt;
  return *index + 1;
}

}  // namespace

void JobEvents::answer(Core& core, const net::Request& request, const EndpointId& endpoint, const JobId& job,
                       net::Responder responder) {
  const auto view = core.engine().find_job(core.now(), endpoint, job);
  if (!view) return responder.send(error_answer(view.error()));
  const std::string_view last = request.header("last-event-id");
  if (last == kEndId && core::is_terminal(view->status)) {
    net::Response over;  // what tells an EventSource not to come back
    over.status = 204;
    over.any_origin = true;
    return responder.send(std::move(over));
  }
  const auto from = place_after(last == kEndId ? std::string_view{} : last);
  if (!from) {
    return responder.send(error_answer({Errc::invalid, "Last-Event-ID is \"" + std::string(last.substr(0, 100)) +
                                                           "\"; the id of an event of this stream is accepted"}));
  }
  std::make_shared<JobEvents>(core, endpoint, job, *from, std::move(responder))->read();
}

JobEvents::JobEvents(Core& core, EndpointId endpoint, JobId job, int from, net::Responder responder)
    : reader_(core, std::move(endpoint), std::move(job), from), responder_(std::move(responder)) {
  responder_.begin(events_head());
}

void JobEvents::read() {
  responder_.on_gone([gone = weak_from_this()] {
    if (const auto self = gone.lock()) self->reader_.stop();
  });
  if (responder_.gone()) return;
  reader_.next(kHeartbeat, [self = shared_from_this()](const Result<core::ChunkPage>& page) { self->show(page); });
}

void JobEvents::show(const Result<core::ChunkPage>& page) {
  if (!page) {
    const std::string text = error_answer(page.error()).body;
    if (responder_.write(event_text("error", {}, text))) responder_.end();
    return;
  }
  std::string text;
  int index = page->first;
  for (const core::Bytes& chunk : page->chunks) text += event_text({}, std::to_string(index++), *chunk);
  if (page->complete) {
    core::JobView job = page->job;
    job.output = nullptr;
    text += event_text("end", kEndId, job_text(job));
    if (responder_.write(text)) responder_.end();
    return;
  }
  if (text.empty()) text = kEventHeartbeat;
  if (responder_.write(text)) read_when_sent();
}

void JobEvents::read_when_sent() {
  responder_.on_drained([self = shared_from_this()] { self->read(); });
}

}  // namespace penstock::api
