#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/support/stream.h"

namespace penstock::bench {

/// The least that makes the records of one loop turn durable: one write, synced, into a file that was filled with zeros
/// before and is written again from its start when it is full. Nothing is ever read back. The file has no name, so it
/// goes with the process.
class TurnLog {
 public:
  enum class Kind : std::uint32_t { submitted = 1, finished = 2 };

  /// Makes and fills the file. Ends the program when that fails.
  explicit TurnLog(const std::string& directory);

  /// Adds a record to the turn: a head with length, sequence and CRC-32C, then the payload.
  void add(Kind kind, std::uint64_t job, std::string_view payload);
  /// On the disk when it returns. Ends the program when the disk refuses.
  void commit();

 private:
  Fd file_;
  std::string turn_;
  std::uint64_t sequence_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace penstock::bench
