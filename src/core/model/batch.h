#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/job.h"

namespace penstock::core {

/// contract/data-plane 1.11. There is no COMPLETED: a batch is done when all of its requests have ended.
enum class BatchStatus { draft, finalized, failed, cancelled };

std::string_view to_text(BatchStatus status);  // "DRAFT"
std::optional<BatchStatus> parse_batch_status(std::string_view text);

/// Many requests under one name. Each is a job of its own that names its batch; while the batch is a draft, they are
/// not in the queue.
struct Batch {
  BatchId id;
  EndpointId endpoint;
  std::string name;  // for people; may be empty
  BatchStatus status = BatchStatus::draft;
  int requests = 0;
  std::int64_t input_bytes = 0;  // of all requests
  int completed = 0;
  int failed = 0;  // ended otherwise: failed, timed out or cancelled
  Time created{};
  std::optional<Time> finalized;
  std::optional<Time> cancel_asked;  // it is CANCELLED when what runs has ended
  std::optional<Time> ended;         // nothing of it waits or runs any more
  Time expires{};                    // a draft that nobody finalizes, and what has ended, is forgotten then

  friend bool operator==(const Batch&, const Batch&) = default;
};

inline constexpr std::size_t kBatchNameBytesMax = 191;

/// Which requests of a batch to list, in the order in which they were added.
struct BatchJobQuery {
  EndpointId endpoint;
  BatchId batch;
  Time now{};                 // what is forgotten by now is left out
  int offset = 0;             // of those that are not left out
  int count = 0;              // at most
  std::size_t bytes_max = 0;  // of outputs; the first is given however large it is
};

}  // namespace penstock::core
