#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/core.h"
#include "api/trace/spans.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace penstock::api {

struct SpanExporterOptions {
  std::string url;  // of the collector, where /v1/traces is; empty: nothing is exported
  std::vector<std::pair<std::string, std::string>> headers;
  std::string version;               // of this server
  std::size_t waiting_max = 16'384;  // spans; further ones are dropped
  std::size_t batch_max = 512;
  std::chrono::milliseconds every{1'000};
  std::chrono::milliseconds pause{5'000};  // after a failure
};

/// Sends the spans of jobs to an OTLP collector, in batches, one at a time. While the collector is away spans wait, up
/// to a bound; beyond it they are dropped and counted, and nothing else notices. The text is built on the client's
/// thread. Loop thread only.
class SpanExporter {
 public:
  /// `core` watches for as long as it lives; all must outlive this.
  SpanExporter(Core& core, const Traces& traces, net::Loop& loop, net::HttpClient& client, SpanExporterOptions options);

  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t exported() const { return exported_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  void see(const std::vector<core::Record>& records);
  void wake(std::chrono::milliseconds delay);
  void send();
  void sent(std::size_t count, const Result<net::ClientResponse>& answer);

  Core& core_;
  const Traces& traces_;
  net::HttpClient& client_;
  SpanExporterOptions options_;
  std::deque<Span> waiting_;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_told_ = 0;
  std::uint64_t exported_ = 0;
  bool away_ = false;
  bool busy_ = false;  // a batch is under way, or the timer is set
  net::Loop::Timer timer_;
};

}  // namespace penstock::api
