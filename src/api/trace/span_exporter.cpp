#include "api/trace/span_exporter.h"

#include <algorithm>

#include "base/log.h"

namespace penstock::api {
namespace {

/// What a later try may mend (OTLP/HTTP, "Failures").
bool is_passing(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

SpanExporter::SpanExporter(Core& core, const Traces& traces, net::Loop& loop, net::HttpClient& client,
                           SpanExporterOptions options)
    : core_(core), traces_(traces), client_(client), options_(std::move(options)), timer_(loop) {
  core_.watch([this](const std::vector<core::Record>& records) { see(records); });
}

void SpanExporter::see(const std::vector<core::Record>& records) {
  const Time now = core_.now();
  for (const core::Record& record : records) {
    for (Span& span : spans_of(record, traces_, now)) {
      if (waiting_.size() < options_.waiting_max) {
        waiting_.push_back(std::move(span));
      } else {
        ++dropped_;
      }
    }
  }
  if (waiting_.empty() || busy_) return;
  busy_ = true;
  wake(options_.every);
}

void SpanExporter::wake(std::chrono::milliseconds delay) {
  timer_.set(delay, [this] { send(); });
}

void SpanExporter::send() {
  const std::size_t count = std::min(waiting_.size(), options_.batch_max);
  // A copy: the batch goes to another thread, and stays here until it has arrived.
  const auto batch = std::make_shared<const std::vector<Span>>(waiting_.begin(),
                                                               waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  const auto make = [batch, url = options_.url, headers = options_.headers, version = options_.version] {
    net::ClientRequest request;
    request.method = "POST";
    request.url = url;
    request.headers = headers;
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = otlp_text(*batch, version);
    request.timeout = std::chrono::milliseconds{10'000};
    request.answer_bytes_max = 64 * 1024;
    request.may_cut_answer = true;
    return request;
  };
  client_.send(make, [this, count](Result<net::ClientResponse> answer) { sent(count, answer); });
}

void SpanExporter::sent(std::size_t count, const Result<net::ClientResponse>& answer) {
  const bool passing = !answer || is_passing(answer->status);
  if (passing) {
    if (!std::exchange(away_, true)) {
      log::warn("the trace collector {} does not take spans: {}; up to {} wait for it", options_.url,
                answer ? "it answers " + std::to_string(answer->status) : answer.error().message, options_.waiting_max);
    }
    return wake(options_.pause);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (answer->status / 100 == 2) {
    exported_ += count;
  } else {
    dropped_ += count;
    log::warn("the trace collector {} refused {} spans: it answers {}", options_.url, count, answer->status);
  }
  if (std::exchange(away_, false) || dropped_ != dropped_told_) {
    log::info("the trace collector {} takes spans; {} were dropped so far", options_.url, dropped_);
    dropped_told_ = dropped_;
  }
  busy_ = !waiting_.empty();
  if (busy_) wake(waiting_.size() >= options_.batch_max ? std::chrono::milliseconds{0} : options_.every);
}

}  // namespace penstock::api
