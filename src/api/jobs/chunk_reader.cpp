#include "api/jobs/chunk_reader.h"

namespace penstock::api {
namespace {

constexpr std::size_t kPageBytes = 256 * 1024;

}  // namespace

void ChunkReader::next(Millis wait, OnPage on_page) {
  // A job that is over may have left the memory since the last page.
  if (auto recalled = core_.recall(endpoint_, job_); !recalled) return on_page(tl::unexpected(recalled.error()));
  waiting_ = core_.expect([this, on_page = std::move(on_page)](core::Reply reply) {
    waiting_ = 0;
    if (auto* error = std::get_if<Error>(&reply.what)) return on_page(tl::unexpected(std::move(*error)));
    auto& page = std::get<core::ChunkPage>(reply.what);
    from_ = page.first + static_cast<int>(page.chunks.size());
    on_page(std::move(page));
  });
  core_.give(core::ReadChunks{waiting_, endpoint_, job_, from_, kPageBytes, wait});
}

void ChunkReader::stop() {
  if (waiting_ != 0) core_.forget(std::exchange(waiting_, 0));
}

}  // namespace penstock::api
