#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core.h"
#include "api/jobs/chunk_reader.h"
#include "api/jobs/results.h"
#include "api/openai/openai_text.h"
#include "api/trace/trace_context.h"
#include "net/http.h"
#include "net/loop.h"

namespace penstock::api {

/// What every call uses.
struct OpenAiMeans {
  Core& core;
  net::Loop& loop;
  const Traces& traces;
  Results& results;
  Millis timeout;  // for the whole answer; of a stream, for its first chunk and from one to the next
};

/// One request of an OpenAI client on its way: submits the job, reads its chunks beside the cursor of /stream, answers.
/// Nobody else knows the job, so it is cancelled when its client leaves or has waited too long. Owned by whoever calls
/// it next: the core, the connection or the loop.
class OpenAiCall : public std::enable_shared_from_this<OpenAiCall> {
 public:
  OpenAiCall(const OpenAiMeans& means, EndpointId endpoint, bool streams, net::Responder responder);

  /// `traceparent`: the client's; empty: none.
  void submit(std::string input, std::string traceparent);

 private:
  void accepted(core::Reply reply);
  void client_left();
  void read();
  void read_soon();
  void see(const Result<core::ChunkPage>& page);
  void collect(const core::ChunkPage& page);
  void pass_on(const core::ChunkPage& page);
  void read_file(const core::Bytes& output);
  void send_file(const Results::InFile& output);
  void stream_file(const std::shared_ptr<const Results::InFile>& output, std::size_t next);
  bool write(std::string text);
  void begin();
  void too_late();
  void cancel();
  void send(net::Response response);
  void name_job(net::Response& response) const;

  Core& core_;
  net::Loop& loop_;
  const Traces& traces_;
  Results& results_;
  Millis timeout_;
  EndpointId endpoint_;
  bool streams_;
  net::Responder responder_;
  std::string traceparent_;
  Time deadline_{};
  std::optional<JobId> job_;
  std::unique_ptr<ChunkReader> reader_;
  std::vector<core::Bytes> chunks_;  // of an answer that does not stream
  bool begun_ = false;               // the stream
  bool between_events_ = true;       // nothing is left open in what was written
  bool any_chunk_ = false;
};

}  // namespace penstock::api
