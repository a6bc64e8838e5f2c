#pragma once

#include <sys/resource.h>

#include <functional>
#include <memory>

#include "store/store.h"

namespace penstock::store::contract {

/// No file may grow beyond `bytes` while this lives: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes);
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit();

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

/// Opens the same store each time; called in other processes too.
using OpenStore = std::function<Result<std::unique_ptr<Store>>()>;

/// Kills a process that commits, several times, and holds what is there against what it acknowledged.
void expect_survives_kill9(const OpenStore& open);

}  // namespace penstock::store::contract
