#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "store/sqlite_store.h"

namespace penstock::store {

/// Reads inputs of jobs from the tables, on a thread of its own.
class InputReader {
 public:
  explicit InputReader(SqliteStore& tables);
  /// What was asked for is not answered any more.
  ~InputReader();
  InputReader(const InputReader&) = delete;
  InputReader& operator=(const InputReader&) = delete;

  /// `found`: those that were elsewhere; the answer has them too.
  void read(core::ReadInputs wanted, std::vector<core::JobInput> found, Store::OnInputs done);

 private:
  struct Task {
    core::ReadInputs wanted;
    std::vector<core::JobInput> found;
    Store::OnInputs done;
  };

  void run();
  void answer(Task& task);

  SqliteStore& tables_;
  std::mutex mutex_;  // of these
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool leaving_ = false;
  std::thread thread_;
};

}  // namespace penstock::store
