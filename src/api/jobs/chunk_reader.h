#pragma once

#include <functional>

#include "api/core.h"

namespace penstock::api {

/// Reads the chunks of one job in order, with a place of its own: what it reads is still there for /stream and for
/// other readers. At most one page is asked for at a time, so a reader costs no more memory than that. Loop thread
/// only.
class ChunkReader {
 public:
  using OnPage = std::function<void(Result<core::ChunkPage>)>;

  /// `from`: index of the first chunk wanted. `core` must outlive this.
  ChunkReader(Core& core, EndpointId endpoint, JobId job, int from)
      : core_(core), endpoint_(std::move(endpoint)), job_(std::move(job)), from_(from) {}
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  /// The next page, as soon as there is a chunk or the job is over; after `wait` one without chunks. Not from inside an
  /// OnPage, unless the job is not over. Errors: not_found (forgotten meanwhile), unavailable.
  void next(Millis wait, OnPage on_page);

  /// No page comes any more.
  void stop();

 private:
  Core& core_;
  EndpointId endpoint_;
  JobId job_;
  int from_ = 0;
  core::Token waiting_ = 0;
};

}  // namespace penstock::api
