#include "core/fleet/fleet.h"

#include <algorithm>

#include "base/text.h"

namespace penstock::core {
namespace {

bool matches_place(const Node& node, const PlacementWish& wish) {
  const auto& places = wish.places;
  if (!wish.data_centers.empty() &&
      std::ranges::find(wish.data_centers, data_center_of(node)) == wish.data_centers.end())
    return false;
  if (places.empty()) return true;
  if (node.location.empty() && node.data_center.empty()) return true;
  return std::ranges::any_of(places, [&](const std::string& p) { return p == node.location || p == node.data_center; });
}

/// For people: where it was looked.
std::string where(const PlacementWish& wish) {
  std::string text = wish.places.empty() ? std::string() : " in " + join(wish.places, ", ");
  if (!wish.data_centers.empty()) text += " where its network volumes are (" + join(wish.data_centers, ", ") + ")";
  return text;
}

}  // namespace

const std::string& data_center_of(const Node& node) {
  return node.data_center.empty() ? node.name : node.data_center;
}

Fleet::Fleet(std::vector<Node> nodes) : nodes_(std::move(nodes)) {
  for (const auto& node : nodes_) {
    int highest = -1;
    for (const auto& gpu : node.gpus) highest = std::max(highest, gpu.index);
    taken_[node.name].assign(static_cast<std::size_t>(highest + 1), 0);
  }
}

const Node* Fleet::find_node(std::string_view name) const {
  const auto found = std::ranges::find(nodes_, name, &Node::name);
  return found == nodes_.end() ? nullptr : &*found;
}

/// GPUs of one type, since one worker gets no others: of the type with the fewest that are enough, or else of the one
/// with the most.
std::vector<int> Fleet::free_gpus(const Node& node, const std::string& pool, const PlacementWish& wish,
                                  bool ever) const {
  if (!matches_place(node, wish)) return {};
  const auto& taken = taken_.at(node.name);
  std::map<std::string, std::vector<int>> free;
  for (const auto& gpu : node.gpus) {
    const bool excluded = std::ranges::find(wish.gpus.excluded_types, gpu.type) != wish.gpus.excluded_types.end();
    if (gpu.pool != pool || excluded) continue;
    if (ever || taken[static_cast<std::size_t>(gpu.index)] == 0) free[gpu.type].push_back(gpu.index);
  }
  const auto wanted = static_cast<std::size_t>(wish.gpu_count);
  std::vector<int> best;
  for (auto& [type, gpus] : free) {
    const bool better =
        best.size() < wanted ? gpus.size() > best.size() : gpus.size() >= wanted && gpus.size() < best.size();
    if (better) best = std::move(gpus);
  }
  return best;
}

Result<Placement> Fleet::place(const PlacementWish& wish) {
  if (wish.gpus.pools.empty()) {
    for (const auto& node : nodes_) {
      if (matches_place(node, wish)) return Placement{node.name, "", "", {}};
    }
    return fail(Errc::not_found, "no node is" + where(wish));
  }
  const auto wanted = static_cast<std::size_t>(wish.gpu_count);
  bool could_fit = false;
  for (const auto& pool : wish.gpus.pools) {
    const Node* best = nullptr;
    std::vector<int> best_free;
    for (const auto& node : nodes_) {
      auto free = free_gpus(node, pool, wish, false);
      could_fit = could_fit || free_gpus(node, pool, wish, true).size() >= wanted;
      if (free.size() >= wanted && (!best || free.size() < best_free.size())) {
        best = &node;
        best_free = std::move(free);
      }
    }
    if (!best) continue;
    best_free.resize(wanted);
    Placement placement{best->name, pool, "", best_free};
    for (const auto& gpu : best->gpus) {
      if (gpu.index == best_free.front()) placement.gpu_type = gpu.type;
    }
    restore(placement);
    return placement;
  }
  const std::string what = std::to_string(wish.gpu_count) + " GPU(s) of " + join(wish.gpus.pools, ", ") + where(wish);
  return could_fit ? fail(Errc::busy, "all in use: " + what) : fail(Errc::not_found, "no node has " + what);
}

void Fleet::restore(const Placement& placement) {
  const auto node = taken_.find(placement.node);
  if (node == taken_.end()) return;
  for (const int index : placement.gpus) {
    const auto at = static_cast<std::size_t>(index);
    if (at < node->second.size()) ++node->second[at];
  }
}

void Fleet::release(const Placement& placement) {
  const auto node = taken_.find(placement.node);
  if (node == taken_.end()) return;
  for (const int index : placement.gpus) {
    const auto at = static_cast<std::size_t>(index);
    if (at < node->second.size() && node->second[at] > 0) --node->second[at];
  }
}

int Fleet::gpus_taken() const {
  int total = 0;
  for (const auto& [name, taken] : taken_)
    total += static_cast<int>(std::ranges::count_if(taken, [](int n) { return n > 0; }));
  return total;
}

Fleet::Count Fleet::count(const Node& node, std::string_view gpu_type) const {
  const auto& taken = taken_.at(node.name);
  Count out;
  for (const auto& gpu : node.gpus) {
    if (gpu.type != gpu_type) continue;
    ++out.total;
    if (taken[static_cast<std::size_t>(gpu.index)] == 0) ++out.free;
  }
  return out;
}

}  // namespace penstock::core
