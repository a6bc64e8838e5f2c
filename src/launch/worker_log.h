#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace penstock::launch {

/// The files that workers print to, one for each: a file and not a pipe, so that a worker outlives the server.
/// tail() may be called on any thread, the rest on the launcher's.
class WorkerLogs {
 public:
  /// `directory` is made when the first file is.
  WorkerLogs(const std::string& directory, std::size_t bytes_max);

  std::string path(const WorkerId& id) const;

  /// A descriptor for the worker to append to. Errors: unavailable, naming the path.
  Result<int> open(const WorkerId& id) const;

  /// Drops the older half (and more) of a log that has grown beyond the bound. What is printed meanwhile may be lost.
  void cut(const WorkerId& id) const;

  /// The last lines, oldest first, of at most the last MiB. Errors: not_found.
  Result<std::vector<std::string>> tail(const WorkerId& id, std::size_t lines_max) const;

  /// Keeps the newest `files_max` logs of workers that are not among `living`.
  void prune(const std::set<WorkerId>& living, std::size_t files_max) const;

 private:
  std::string directory_;  // absolute
  std::size_t bytes_max_;
};

}  // namespace penstock::launch
