#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/control/gpu_pools.h"
#include "core/model/worker.h"

namespace penstock::core {

struct GpuDevice {
  int index = 0;  // on its node; of a real one the driver's, in bus order
  std::string type;
  std::string pool;
  std::string uuid = {};  // empty: the driver was not asked, or there is none
  int memory_mb = 0;
};

/// A place where workers run. Without location, data centre or CUDA version it matches every wish for one.
struct Node {
  std::string name;
  std::string location;     // "US"
  std::string data_center;  // "US-KS-2"
  bool emulated = false;    // its GPUs are slots that only count
  std::vector<GpuDevice> gpus;
  bool described = false;  // its GPUs are what penstock.toml says; no driver confirms them
  std::string driver_version = {};
  std::string cuda_version = {};  // the newest that its driver runs
};

/// The data centre that a node is in. One that is configured without gets its own name: a volume has to be somewhere.
const std::string& data_center_of(const Node& node);

struct PlacementWish {
  GpuSelection gpus;  // no pools: a CPU worker
  int gpu_count = 1;
  std::vector<std::string> places;             // locations and data centres; empty: anywhere
  std::vector<std::string> data_centers = {};  // where its volumes are; empty: it has none
};

/// Which GPUs are taken. Walks the wished pools in order and takes the fullest node that still fits.
class Fleet {
 public:
  explicit Fleet(std::vector<Node> nodes);

  const std::vector<Node>& nodes() const { return nodes_; }
  /// Null: this machine has no such node (any more).
  const Node* find_node(std::string_view name) const;

  /// Errors: busy, with the reason (nothing fits now), or not_found (nothing here could ever fit).
  Result<Placement> place(const PlacementWish& wish);
  /// Marks what a restored worker holds; what this machine no longer has is left out.
  void restore(const Placement& placement);
  void release(const Placement& placement);

  int gpus_taken() const;

  /// GPUs of a type on one of nodes(): all, and those that no worker has.
  struct Count {
    int total = 0;
    int free = 0;
  };
  Count count(const Node& node, std::string_view gpu_type) const;

 private:
  std::vector<int> free_gpus(const Node& node, const std::string& pool, const PlacementWish& wish, bool ever) const;

  std::vector<Node> nodes_;
  std::map<std::string, std::vector<int>> taken_;  // node -> device index -> workers on it
};

}  // namespace penstock::core
