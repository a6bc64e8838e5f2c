#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/control/gpu_pools.h"
#include "core/fleet/cuda.h"
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
  CudaWish cuda = {};
  std::string first_pool = {};       // of gpus.pools, the one to try before all others; empty: the first
  std::vector<Placement> been = {};  // where the endpoint ran before, the latest first
};

/// Which GPUs are taken. Walks the wished pools in order. In a pool the endpoint goes to where it ran before, because
/// what it loads is still in that machine's memory, and otherwise to the fullest node that still fits. A worker gets
/// GPUs of one type on one node. Copies are cheap: they share what does not change.
class Fleet {
 public:
  explicit Fleet(std::vector<Node> nodes);

  const std::vector<Node>& nodes() const { return layout_->nodes; }
  /// Null: this machine has no such node (any more).
  const Node* find_node(std::string_view name) const;

  /// Errors: busy, with the reason (nothing fits now), or not_found (nothing here could ever fit).
  Result<Placement> place(const PlacementWish& wish);
  /// The same where nobody asks why not, and without taking anything.
  std::optional<Placement> find(const PlacementWish& wish) const;
  void take(const Placement& placement) { restore(placement); }
  /// Whether GPUs as these would do for the wish.
  bool suits(const Placement& placement, const PlacementWish& wish) const;
  /// No GPU is left for anybody.
  bool is_full() const;
  /// GPUs that a UUID names are found again although the driver counts them anew: the placement as it is now.
  Placement located(Placement placement) const;
  /// Marks what a restored worker holds; what this machine no longer has is left out. Returns it located().
  Placement restore(Placement placement);
  void release(const Placement& placement);
  /// Whether all of its GPUs are here and no worker has them.
  bool is_free(const Placement& placement) const;

  /// A blocked GPU is given to no worker. Returns whether that is new.
  bool block(const Node& node, int device, bool blocked);

  int gpus_taken() const;

  /// GPUs of a type on one of nodes(): all, and those that no worker has.
  struct Count {
    int total = 0;
    int free = 0;
  };
  Count count(const Node& node, std::string_view gpu_type) const;

 private:
  /// The GPUs of one type on one node: what one worker can have.
  struct Group {
    std::size_t node = 0;
    std::string type;
    std::string pool;
    std::vector<int> devices;  // indexes
  };
  struct Layout {
    std::vector<Node> nodes;
    std::vector<Group> groups;
    std::vector<std::vector<int>> group_of;  // node, device index -> group; -1: no such device
  };
  /// What workers make of a layout.
  struct Use {
    std::vector<std::vector<int>> taken;     // node, device index -> workers on it
    std::vector<std::vector<char>> blocked;  // node, device index
    std::vector<int> free;                   // group -> devices without any that are not blocked
  };

  std::optional<std::size_t> number_of(std::string_view node) const;
  bool suits(const Group& group, std::string_view pool, const PlacementWish& wish) const;
  const Group* best_group(std::string_view pool, const PlacementWish& wish) const;
  Placement pick(const Group& group, const PlacementWish& wish) const;
  Error no_place(const PlacementWish& wish) const;
  void change(std::size_t node, int device, int by);
  int blocked_of(const Group& group) const;

  std::shared_ptr<const Layout> layout_;
  Use use_;
};

}  // namespace penstock::core
