#include "core/control/catalogue.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.h"

namespace penstock::core {
namespace {

/// Types whose name or memory differs from what their id and their pool say.
struct Known {
  std::string_view name;
  int memory_gb;  // 0: the pool's
};
const std::map<std::string_view, Known>& known_types() {
  static const std::map<std::string_view, Known> known = {
      {"NVIDIA RTX A4500", {"RTX A4500", 20}},
      {"NVIDIA RTX 4000 Ada Generation", {"RTX 4000 Ada", 20}},
      {"NVIDIA RTX 2000 Ada Generation", {"RTX 2000 Ada", 0}},
      {"NVIDIA GeForce RTX 3090", {"RTX 3090", 0}},
      {"NVIDIA GeForce RTX 4090", {"RTX 4090", 0}},
      {"NVIDIA GeForce RTX 5090", {"RTX 5090", 0}},
      {"NVIDIA RTX 6000 Ada Generation", {"RTX 6000 Ada", 0}},
      {"NVIDIA A100 80GB PCIe", {"A100 PCIe", 0}},
      {"NVIDIA A100-SXM4-80GB", {"A100 SXM", 0}},
      {"NVIDIA H100 80GB HBM3", {"H100 SXM", 0}},
      {"NVIDIA H100 NVL", {"H100 NVL", 94}},
      {"NVIDIA H200", {"H200 SXM", 0}},
      {"NVIDIA RTX PRO 6000 Blackwell Server Edition", {"RTX PRO 6000", 0}},
      {"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", {"RTX PRO 6000 WK", 0}},
      {"NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", {"RTX PRO 6000 MaxQ", 0}},
  };
  return known;
}

std::vector<GpuType> make_gpu_types() {
  std::vector<GpuType> all;
  for (const GpuPool& pool : gpu_pools()) {
    for (const std::string_view id : pool.gpu_types) {
      GpuType type{id, id, pool.memory_gb};
      if (type.display_name.starts_with("NVIDIA ")) type.display_name.remove_prefix(7);
      if (const auto known = known_types().find(id); known != known_types().end()) {
        type.display_name = known->second.name;
        if (known->second.memory_gb != 0) type.memory_gb = known->second.memory_gb;
      }
      all.push_back(type);
    }
  }
  return all;
}

bool matches(const Node& node, const CatalogueFilter& filter) {
  const bool there = filter.data_center.empty() || filter.data_center == data_center_of(node);
  return there && (filter.country.empty() || node.location.empty() || filter.country == node.location);
}

std::string_view region_of(std::string_view data_center) {
  const auto prefix = data_center.substr(0, data_center.find('-'));
  static const std::map<std::string_view, std::string_view> regions = {
      {"US", "NORTH_AMERICA"}, {"CA", "NORTH_AMERICA"}, {"EU", "EUROPE"}, {"EUR", "EUROPE"},      {"AP", "ASIA"},
      {"OC", "OCEANIA"},       {"ME", "MIDDLE_EAST"},   {"AF", "AFRICA"}, {"SA", "SOUTH_AMERICA"}};
  const auto found = regions.find(prefix);
  return found == regions.end() ? "UNKNOWN" : found->second;
}

std::optional<int> positive(std::string_view text) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

}  // namespace

const std::vector<GpuType>& gpu_types() {
  static const std::vector<GpuType> types = make_gpu_types();
  return types;
}

const GpuType* find_gpu_type(std::string_view id) {
  const auto found = std::ranges::find(gpu_types(), id, &GpuType::id);
  return found == gpu_types().end() ? nullptr : &*found;
}

const std::vector<CpuFlavour>& cpu_flavours() {
  static const std::vector<CpuFlavour> flavours = {
      {"cpu3c", "Compute-Optimized", 2, 10}, {"cpu3g", "General Purpose", 4, 10}, {"cpu3m", "Memory-Optimized", 8, 10},
      {"cpu5c", "Compute-Optimized", 2, 15}, {"cpu5g", "General Purpose", 4, 15}, {"cpu5m", "Memory-Optimized", 8, 15},
  };
  return flavours;
}

std::optional<CpuInstance> parse_instance_id(std::string_view text) {
  const auto parts = split_list(text, '-');
  if (parts.size() != 3) return std::nullopt;
  const auto flavour = std::ranges::find(cpu_flavours(), parts[0], &CpuFlavour::id);
  const auto vcpu = positive(parts[1]);
  const auto ram = positive(parts[2]);
  if (flavour == cpu_flavours().end() || !vcpu || !ram) return std::nullopt;
  return CpuInstance{&*flavour, *vcpu, *ram};
}

std::string_view GpuOffer::stock(int count) const {
  if (most_free < std::max(count, 1)) return {};
  return free * 2 >= total ? "High" : free * 4 >= total ? "Medium" : "Low";
}

GpuOffer gpu_offer(const Fleet& fleet, std::string_view gpu_type, const CatalogueFilter& filter) {
  GpuOffer offer;
  for (const Node& node : fleet.nodes()) {
    if (!matches(node, filter)) continue;
    const auto [total, free] = fleet.count(node, gpu_type);
    offer.total += total;
    offer.free += free;
    offer.most = std::max(offer.most, total);
    offer.most_free = std::max(offer.most_free, free);
  }
  return offer;
}

std::vector<DataCenter> data_centers(const Fleet& fleet) {
  std::vector<DataCenter> all;
  for (const Node& node : fleet.nodes()) {
    const std::string& id = data_center_of(node);
    auto place = std::ranges::find(all, id, &DataCenter::id);
    if (place == all.end()) place = all.insert(place, DataCenter{id, node.location, region_of(id), {}});
    for (const GpuDevice& gpu : node.gpus) {
      if (std::ranges::find(place->gpu_types, gpu.type) == place->gpu_types.end()) place->gpu_types.push_back(gpu.type);
    }
  }
  return all;
}

std::optional<DataCenter> find_data_center(const Fleet& fleet, std::string_view id) {
  for (auto& place : data_centers(fleet)) {
    if (place.id == id) return std::move(place);
  }
  return std::nullopt;
}

std::vector<std::string> country_codes(const Fleet& fleet) {
  std::vector<std::string> codes;
  for (const Node& node : fleet.nodes()) {
    if (node.location.empty() || std::ranges::find(codes, node.location) != codes.end()) continue;
    codes.push_back(node.location);
  }
  return codes;
}

}  // namespace penstock::core
