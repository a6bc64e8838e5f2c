#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fleet/fleet.h"

namespace penstock::core {

// What can be asked for, and what of it this server has (contract/control-plane 2.4, 2.5, 2.10).

struct GpuType {
  std::string_view id;
  std::string_view display_name;
  int memory_gb;
};
/// Every type of every pool, in the order of the pools.
const std::vector<GpuType>& gpu_types();
const GpuType* find_gpu_type(std::string_view id);

/// A family of CPU instances.
struct CpuFlavour {
  std::string_view id;
  std::string_view group;
  int ram_gb_per_vcpu;
  int disk_gb_per_vcpu;
};
const std::vector<CpuFlavour>& cpu_flavours();

/// `cpu3c-2-4`: flavour, vCPUs, GB of memory.
struct CpuInstance {
  const CpuFlavour* flavour = nullptr;
  int vcpu = 0;
  int ram_gb = 0;
};
std::optional<CpuInstance> parse_instance_id(std::string_view text);

/// Where to look; an empty field looks everywhere.
struct CatalogueFilter {
  std::string_view data_center;
  std::string_view country;
};

/// How much of one GPU type there is.
struct GpuOffer {
  int total = 0;
  int free = 0;
  int most = 0;       // on one node
  int most_free = 0;  // on one node

  /// "High" from half of them free, "Medium" from a quarter, "Low" below; empty when no node has `count` free.
  std::string_view stock(int count) const;
};
GpuOffer gpu_offer(const Fleet& fleet, std::string_view gpu_type, const CatalogueFilter& filter);

struct DataCenter {
  std::string id;
  std::string country;      // empty: not configured
  std::string_view region;  // of the contract's DataCenterRegion
  std::vector<std::string> gpu_types;
};
/// In the order of the nodes.
std::vector<DataCenter> data_centers(const Fleet& fleet);
std::optional<DataCenter> find_data_center(const Fleet& fleet, std::string_view id);

/// Countries that have a node, in the order of the nodes.
std::vector<std::string> country_codes(const Fleet& fleet);

}  // namespace penstock::core
