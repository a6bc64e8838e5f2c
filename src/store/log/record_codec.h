#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/records.h"
#include "store/log/frame.h"

namespace penstock::store {

// How a turn's records lie in the log. Each is one byte for its kind (its place in core::Record), its fields with their
// number in front, then its payloads. So a log that an older version left behind can be read by a newer one, as long as
// kinds are added to core::Record, and fields to fields.h, at the end.

SharedTurn encode(std::span<const core::Record> turn);

/// The records of one turn. Errors: unavailable (these bytes are not what encode() writes: damaged, or of a newer
/// version).
Result<std::vector<core::Record>> decode_turn(std::string_view bytes);

/// JobAdded or JobChanged as it lies in a turn's bytes; valid as long as these.
struct EncodedJob {
  bool is_new = false;
  std::string_view id;
  std::string_view request;  // of a new one: for decode()
  std::optional<std::string_view> input;
  std::optional<std::string_view> s3_config;
  std::string_view state;  // for decode()
  bool sets_output = false;
  std::optional<std::string_view> output;
};

/// Without its payloads. Throws DamagedTurn.
void decode(std::string_view bytes, core::JobRequest& request);
void decode(std::string_view bytes, core::JobState& state);

/// Not what encode() writes.
struct DamagedTurn : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Who goes through a turn's records; of jobs, which are nearly all, without a copy of anything. `bytes`: the record
/// alone, as decode_turn() takes it.
class TurnVisitor {
 public:
  virtual void on_job(const EncodedJob& job, std::string_view bytes) = 0;
  virtual void on_other(core::Record record, std::string_view bytes) = 0;

 protected:
  ~TurnVisitor() = default;
};
/// Throws DamagedTurn.
void visit_turn(std::string_view turn, TurnVisitor& visitor);

}  // namespace penstock::store
