#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace penstock::launch {

/// Slow work on a frozen worker.
struct ParkingOrder {
  enum class Kind {
    park,     // its GPU memory goes to host memory; it must be running
    unpark,   // and back; it must be running. Its processes whose GPU memory is not parked are left alone
    reclaim,  // its memory is offered to the kernel; it must be stopped
    recall,   // and asked for again, before it is resumed
  };
  Kind kind = Kind::park;
  WorkerId id;
  pid_t leader = 0;
  std::vector<pid_t> gpu_processes = {};                                                      // park
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);  // reclaim: stop early
};

struct ParkingDone {
  ParkingOrder order;
  std::string problem;  // empty: it is done
};

/// Does this work on a thread of its own, one order at a time. An order that somebody waits for (any but reclaim)
/// interrupts a reclaim, which then goes on behind it.
class Parking {
 public:
  using OnDone = std::function<void(ParkingDone)>;  // on its thread

  /// `cuda_checkpoint`: the program; empty: there is none.
  Parking(std::string cuda_checkpoint, OnDone on_done);
  ~Parking();

  bool can_park() const;
  void give(ParkingOrder order);

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

/// The program of this name in PATH; empty: there is none.
std::string find_in_path(const std::string& name);

}  // namespace penstock::launch
