#pragma once

#include <memory>

#include "api/core.h"
#include "api/jobs/chunk_reader.h"
#include "net/http.h"

namespace penstock::api {

/// The stream of one job as server-sent events, for one reader:
///
///     id: 0                           one event for each chunk; the id is its index in the job's attempt
///     data: {"output":...}
///
///     event: end                      once, at the end: the job object without its output
///     id: end
///     data: {"id":...,"status":...}
///
/// A comment every 15 s says that it is alive. `Last-Event-ID` goes on behind that event. A page is read from the job
/// only when the one before has been sent, so a reader that is slow costs one page, and one that does not read at all
/// is closed by the connection's write time-out. Owned by whoever calls it next: the core or the connection.
class JobEvents : public std::enable_shared_from_this<JobEvents> {
 public:
  /// Answers the request, wholly or by beginning the stream.
  static void answer(Core& core, const net::Request& request, const EndpointId& endpoint, const JobId& job,
                     net::Responder responder);

  JobEvents(Core& core, EndpointId endpoint, JobId job, int from, net::Responder responder);

 private:
  void read();
  void show(const Result<core::ChunkPage>& page);
  void read_when_sent();

  ChunkReader reader_;
  net::Responder responder_;
};

}  // namespace penstock::api
