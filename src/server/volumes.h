#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace penstock::server {

/// The directories of network volumes, one for each, below one folder. Deleting may take long and happens on a thread
/// of its own; what a stop interrupts, the next start goes on with.
class Volumes {
 public:
  explicit Volumes(std::string folder);
  ~Volumes();

  /// The directory of a volume, made at first use. Errors: unavailable.
  Result<std::string> directory(const VolumeId& id) const;
  /// Gone for every later worker at once.
  void remove(const VolumeId& id);
  /// Those that have a directory.
  std::vector<VolumeId> present() const;

 private:
  void take_leftovers();
  void work(std::stop_token stop);

  std::string folder_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::string> doomed_;
  std::jthread worker_;  // last: uses all of the above
};

}  // namespace penstock::server
