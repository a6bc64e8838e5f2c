#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/records.h"

namespace penstock::store {

// How a turn's records lie in the log. Each is one byte for its kind (its place in core::Record), its fields with their
// number in front, then its payloads. So a log that an older version left behind can be read by a newer one, as long as
// kinds are added to core::Record, and fields to fields.h, at the end.

/// How many bytes encode() appends: a small part of its work.
std::size_t encoded_bytes(std::span<const core::Record> turn);
/// Appends the records of a turn to `out`. `bytes`: encoded_bytes() of them.
void encode(std::span<const core::Record> turn, std::size_t bytes, std::string& out);

/// The records of one turn. Errors: unavailable (these bytes are not what encode() writes: damaged, or of a newer
/// version).
Result<std::vector<core::Record>> decode_turn(std::string_view bytes);

}  // namespace penstock::store
