#include "api/openai/openai_call.h"

#include <algorithm>

#include "api/answers.h"
#include "api/server_events.h"

namespace penstock::api {

OpenAiCall::OpenAiCall(const OpenAiMeans& means, EndpointId endpoint, bool streams, net::Responder responder)
    : core_(means.core),
      loop_(means.loop),
      traces_(means.traces),
      results_(means.results),
      timeout_(means.timeout),
      endpoint_(std::move(endpoint)),
      streams_(streams),
      responder_(std::move(responder)) {}

void OpenAiCall::submit(std::string input, std::string traceparent) {
  traceparent_ = std::move(traceparent);
  core::Submit command;
  command.request.traceparent = traceparent_;
  command.request.endpoint = endpoint_;
  command.request.sync = true;
  command.request.input = core::bytes(std::move(input));
  command.to = core_.expect([self = shared_from_this()](core::Reply reply) { self->accepted(std::move(reply)); });
  responder_.on_gone([gone = weak_from_this()] {
    if (const auto self = gone.lock()) self->client_left();
  });
  core_.give(std::move(command));
}

void OpenAiCall::accepted(core::Reply reply) {
  if (const auto* error = std::get_if<Error>(&reply.what)) {
    if (!responder_.gone()) responder_.send(openai_error(*error));
    return;
  }
  job_ = std::get<core::JobAccepted>(reply.what).id;
  if (responder_.gone()) return cancel();
  reader_ = std::make_unique<ChunkReader>(core_, endpoint_, *job_, 0);
  deadline_ = core_.now() + timeout_;
  read();
}

/// Before the job is accepted it has no name to cancel it by: accepted() does it then.
void OpenAiCall::client_left() {
  if (!job_) return;
  reader_->stop();
  cancel();
}

void OpenAiCall::cancel() {
  core_.give(core::CancelJob{0, endpoint_, *job_});
}

// ---------------------------------------------------------------- reading

void OpenAiCall::read() {
  if (responder_.gone()) return;
  const Millis left = std::max(deadline_ - core_.now(), Millis{0});
  reader_->next(left, [self = shared_from_this()](const Result<core::ChunkPage>& page) { self->see(page); });
}

void OpenAiCall::read_soon() {
  loop_.post([self = shared_from_this()] { self->read(); });
}

void OpenAiCall::see(const Result<core::ChunkPage>& page) {
  if (!page) return send(openai_error(page.error()));
  if (!page->complete && page->chunks.empty()) {
    if (core_.now() >= deadline_) return too_late();
    cancel();
    return send(openai_error(Error{Errc::unavailable, "this server is stopping; the job was cancelled"}));
  }
  any_chunk_ = any_chunk_ || !page->chunks.empty();
  const bool is_done = page->complete && page->job.status == core::JobStatus::completed;
  if (is_done && !any_chunk_ && Results::is_reference(page->job.output)) return read_file(page->job.output);
  if (streams_) return pass_on(*page);
  collect(*page);
}

/// The chunks stay in the job until it is forgotten: keeping them here copies nothing.
void OpenAiCall::collect(const core::ChunkPage& page) {
  chunks_.insert(chunks_.end(), page.chunks.begin(), page.chunks.end());
  if (!page.complete) return read_soon();
  if (page.job.status != core::JobStatus::completed) return send(openai_failure(page.job));
  // A list too large for memory is what its chunks were.
  const bool large = Results::is_reference(page.job.output);
  send(json_answer(openai_body(large ? nullptr : page.job.output, chunks_)));
}

void OpenAiCall::pass_on(const core::ChunkPage& page) {
  const bool failed = page.complete && page.job.status != core::JobStatus::completed;
  if (failed && !any_chunk_) return send(openai_failure(page.job));
  std::string text;
  for (const core::Bytes& chunk : page.chunks) {
    if (const auto output = chunk_output(*chunk)) text += stream_piece(*output);
  }
  if (page.complete && !failed && !any_chunk_) text = stream_of_output(page.job.output);
  if (failed) {
    const bool open = text.empty() ? !between_events_ : !text.ends_with("\n\n");
    text += (open ? "\n\n" : "") + openai_failure_event(page.job);
  }
  deadline_ = core_.now() + timeout_;
  begin();
  if (!write(std::move(text))) return page.complete ? void() : cancel();
  if (page.complete) return responder_.end();
  responder_.on_drained([self = shared_from_this()] { self->read(); });
}

// ---------------------------------------------------------------- an output in a file, of a job that streamed nothing

void OpenAiCall::read_file(const core::Bytes& output) {
  results_.open(endpoint_, *job_, output,
                [self = shared_from_this()](const Result<std::shared_ptr<const Results::InFile>>& opened) {
                  if (!opened) return self->send(openai_error(opened.error()));
                  if (!self->streams_) return self->send_file(**opened);
                  self->begin();
                  self->stream_file(*opened, 0);
                });
}

void OpenAiCall::send_file(const Results::InFile& output) {
  if (responder_.gone()) return;
  net::Response head = json_answer({});
  name_job(head);
  const auto text = output.elements.size() == 1 ? output.elements.front() : output.whole;
  if (auto sent = net::answer_with_file(responder_, std::move(head), output.part(text)); !sent) {
    send(openai_error(sent.error()));
  }
}

/// One element at a time, as fast as the client reads.
void OpenAiCall::stream_file(const std::shared_ptr<const Results::InFile>& output, std::size_t next) {
  if (next == output->elements.size()) return responder_.end();
  if (!write(stream_piece(output->elements[next]))) return;
  responder_.on_drained([self = shared_from_this(), output, next] { self->stream_file(output, next + 1); });
}

// ---------------------------------------------------------------- answering

void OpenAiCall::begin() {
  if (begun_) return;
  begun_ = true;
  net::Response head = events_head();
  name_job(head);
  responder_.begin(std::move(head));
}

/// False: nobody reads any more.
bool OpenAiCall::write(std::string text) {
  if (!text.empty()) between_events_ = text.ends_with("\n\n");
  return responder_.write(text);
}

void OpenAiCall::too_late() {
  cancel();
  const std::string message =
      "no answer within " + std::to_string(timeout_.count() / 1000) + " s (openai.timeout_s); the job was cancelled";
  core::JobView late;
  late.status = core::JobStatus::timed_out;
  late.error = message;
  if (!begun_) return send(openai_failure(late));
  if (write((between_events_ ? "" : "\n\n") + openai_failure_event(late))) responder_.end();
}

void OpenAiCall::send(net::Response response) {
  if (responder_.gone() || begun_) return;  // a stream that breaks off says so by its missing end
  name_job(response);
  responder_.send(std::move(response));
}

void OpenAiCall::name_job(net::Response& response) const {
  response.headers.emplace_back("x-request-id", job_->str());
  traces_.tell(response, *job_, traceparent_);
}

}  // namespace penstock::api
