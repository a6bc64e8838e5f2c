#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/records.h"

namespace penstock::server {

/// When servers were there on a data directory, in a file of it that is written every few seconds. Without it the time
/// of a restart, or a clock that was put right meanwhile, would count as time that running jobs have run.
///
/// The file is not synced: after a power cut it may be somewhat old, and then jobs are given a little more time.
class Presence {
 public:
  explicit Presence(std::string file) : file_(std::move(file)) {}

  /// A server starts. Gives all absences, the one that ends now included; none when the file is not there or cannot be
  /// read.
  std::vector<core::Absence> begin(Time now);
  /// It is still there.
  void note(Time now) const;

 private:
  std::string file_;
  std::vector<core::Absence> absences_;
};

}  // namespace penstock::server
