#include "server/input_reads.h"

#include <mutex>
#include <utility>

namespace penstock::server {

/// Back to the loop, while it is there.
struct InputReads::Way {
  std::mutex mutex;
  net::Loop* loop = nullptr;
  Give give;
};

InputReads::InputReads(net::Loop& loop, store::Store& store, Give give) : store_(store), way_(std::make_shared<Way>()) {
  way_->loop = &loop;
  way_->give = std::move(give);
}

InputReads::~InputReads() {
  const std::scoped_lock lock(way_->mutex);
  way_->loop = nullptr;
}

void InputReads::read(core::ReadInputs wanted) {
  const EndpointId endpoint = wanted.endpoint;
  store_.read_inputs(std::move(wanted), [way = way_, endpoint](Result<std::vector<core::JobInput>> found) {
    core::InputsRead answer{endpoint, {}, std::nullopt, true};
    if (found) {
      answer.inputs = std::move(*found);
    } else {
      answer.problem = std::move(found.error().message);
    }
    const std::scoped_lock lock(way->mutex);
    if (way->loop == nullptr) return;
    way->loop->post([way, answer = std::move(answer)]() mutable {
      if (way->loop != nullptr) way->give(std::move(answer));  // on the loop, where it also ends
    });
  });
}

}  // namespace penstock::server
