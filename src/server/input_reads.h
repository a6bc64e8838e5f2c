#pragma once

#include <functional>
#include <memory>

#include "core/commands.h"
#include "net/loop.h"
#include "store/store.h"

namespace penstock::server {

/// Has the store read the inputs of queued jobs that are not in memory, and brings them to the loop: the store answers
/// on a thread of its own. What comes after the end of this object is dropped.
class InputReads {
 public:
  using Give = std::function<void(core::Command)>;

  InputReads(net::Loop& loop, store::Store& store, Give give);
  ~InputReads();
  InputReads(const InputReads&) = delete;
  InputReads& operator=(const InputReads&) = delete;

  void read(core::ReadInputs wanted);

 private:
  struct Way;

  store::Store& store_;
  std::shared_ptr<Way> way_;
};

}  // namespace penstock::server
