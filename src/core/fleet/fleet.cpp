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

/// For people: where it was looked, and for what.
std::string where(const PlacementWish& wish) {
  std::string text = wish.places.empty() ? std::string() : " in " + join(wish.places, ", ");
  if (!wish.data_centers.empty()) text += " where its network volumes are (" + join(wish.data_centers, ", ") + ")";
  if (wish.cuda.any()) text += " with " + to_text(wish.cuda);
  return text;
}

/// 0: it ran there last. The number of places: never.
std::size_t since_it_ran(const PlacementWish& wish, const std::string& node, const std::string& type) {
  const auto at =
      std::ranges::find_if(wish.been, [&](const Placement& p) { return p.node == node && p.gpu_type == type; });
  return static_cast<std::size_t>(at - wish.been.begin());
}

}  // namespace

const std::string& data_center_of(const Node& node) {
  return node.data_center.empty() ? node.name : node.data_center;
}

Fleet::Fleet(std::vector<Node> nodes) {
  auto layout = std::make_shared<Layout>();
  layout->nodes = std::move(nodes);
  for (std::size_t n = 0; n < layout->nodes.size(); ++n) {
    const std::size_t first = layout->groups.size();
    int highest = -1;
    for (const GpuDevice& gpu : layout->nodes[n].gpus) highest = std::max(highest, gpu.index);
    use_.taken.emplace_back(static_cast<std::size_t>(highest + 1), 0);
    use_.blocked.emplace_back(static_cast<std::size_t>(highest + 1), 0);
    auto& group_of = layout->group_of.emplace_back(static_cast<std::size_t>(highest + 1), -1);
    for (const GpuDevice& gpu : layout->nodes[n].gpus) {
      const auto same = [&](const Group& group) { return group.type == gpu.type && group.pool == gpu.pool; };
      auto group =
          std::find_if(layout->groups.begin() + static_cast<std::ptrdiff_t>(first), layout->groups.end(), same);
      if (group == layout->groups.end()) group = layout->groups.insert(group, Group{n, gpu.type, gpu.pool, {}});
      group->devices.push_back(gpu.index);
      group_of[static_cast<std::size_t>(gpu.index)] = static_cast<int>(group - layout->groups.begin());
    }
  }
  for (const Group& group : layout->groups) use_.free.push_back(static_cast<int>(group.devices.size()));
  layout_ = std::move(layout);
}

const Node* Fleet::find_node(std::string_view name) const {
  const auto found = number_of(name);
  return found ? &layout_->nodes[*found] : nullptr;
}

std::optional<std::size_t> Fleet::number_of(std::string_view name) const {
  const auto found = std::ranges::find(layout_->nodes, name, &Node::name);
  if (found == layout_->nodes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - layout_->nodes.begin());
}

// ---------------------------------------------------------------- placing

bool Fleet::suits(const Group& group, std::string_view pool, const PlacementWish& wish) const {
  if (group.pool != pool) return false;
  const auto& excluded = wish.gpus.excluded_types;
  if (std::ranges::find(excluded, group.type) != excluded.end()) return false;
  const Node& node = layout_->nodes[group.node];
  return matches_place(node, wish) && runs(node, group.type, wish.cuda);
}

/// Where it ran most recently, then the fullest node, then on a node the type of which the fewest are left.
const Fleet::Group* Fleet::best_group(std::string_view pool, const PlacementWish& wish) const {
  const Group* best = nullptr;
  std::pair<std::size_t, int> best_rank;
  for (std::size_t g = 0; g < layout_->groups.size(); ++g) {
    const Group& group = layout_->groups[g];
    if (use_.free[g] < wish.gpu_count || !suits(group, pool, wish)) continue;
    const std::pair rank(since_it_ran(wish, layout_->nodes[group.node].name, group.type), use_.free[g]);
    if (best && rank >= best_rank) continue;
    best = &group;
    best_rank = rank;
  }
  return best;
}

Placement Fleet::pick(const Group& group, const PlacementWish& wish) const {
  const Node& node = layout_->nodes[group.node];
  Placement out{node.name, group.pool, group.type, {}};
  std::vector<int> free;
  for (const int device : group.devices) {
    const auto at = static_cast<std::size_t>(device);
    if (use_.taken[group.node][at] == 0 && use_.blocked[group.node][at] == 0) free.push_back(device);
  }
  const auto is_new = [&](int device) {
    return std::ranges::none_of(wish.been, [&](const Placement& p) {
      return p.node == node.name && std::ranges::find(p.gpus, device) != p.gpus.end();
    });
  };
  std::ranges::sort(free, {}, [&](int device) { return std::pair(is_new(device), device); });
  free.resize(static_cast<std::size_t>(wish.gpu_count));
  std::ranges::sort(free);
  for (const int device : free) {
    const auto& gpu = *std::ranges::find(node.gpus, device, &GpuDevice::index);
    if (!gpu.uuid.empty()) out.uuids.push_back(gpu.uuid);
  }
  out.gpus = std::move(free);
  if (out.uuids.size() != out.gpus.size()) out.uuids.clear();
  return out;
}

std::optional<Placement> Fleet::find(const PlacementWish& wish) const {
  if (wish.gpus.pools.empty()) {
    const Node* best = nullptr;
    std::size_t best_rank = 0;
    for (const Node& node : layout_->nodes) {
      const std::size_t rank = since_it_ran(wish, node.name, "");
      if (!matches_place(node, wish) || (best && rank >= best_rank)) continue;
      best = &node;
      best_rank = rank;
    }
    return best ? std::optional(Placement{best->name, "", "", {}}) : std::nullopt;
  }
  const Group* group = wish.first_pool.empty() ? nullptr : best_group(wish.first_pool, wish);
  for (std::size_t i = 0; !group && i < wish.gpus.pools.size(); ++i) group = best_group(wish.gpus.pools[i], wish);
  return group ? std::optional(pick(*group, wish)) : std::nullopt;
}

Result<Placement> Fleet::place(const PlacementWish& wish) {
  auto found = find(wish);
  if (!found) return tl::unexpected<Error>(no_place(wish));
  take(*found);
  return std::move(*found);
}

bool Fleet::suits(const Placement& placement, const PlacementWish& wish) const {
  if (placement.gpus.empty()) return false;
  return std::ranges::any_of(layout_->groups, [&](const Group& group) {
    return group.type == placement.gpu_type && layout_->nodes[group.node].name == placement.node &&
           std::ranges::any_of(wish.gpus.pools, [&](const std::string& pool) { return suits(group, pool, wish); });
  });
}

bool Fleet::is_full() const {
  return std::ranges::all_of(use_.free, [](int free) { return free == 0; });
}

Error Fleet::no_place(const PlacementWish& wish) const {
  if (wish.gpus.pools.empty()) return {Errc::not_found, "no node is" + where(wish)};
  const std::string what = std::to_string(wish.gpu_count) + " GPU(s) of " + join(wish.gpus.pools, ", ") + where(wish);
  bool could = false;
  int blocked = 0;
  for (const Group& group : layout_->groups) {
    const bool suited =
        std::ranges::any_of(wish.gpus.pools, [&](const std::string& pool) { return suits(group, pool, wish); });
    if (!suited) continue;
    blocked += blocked_of(group);
    could = could || group.devices.size() >= static_cast<std::size_t>(wish.gpu_count);
  }
  if (!could) return {Errc::not_found, "no node has " + what};
  if (blocked == 0) return {Errc::busy, "all in use: " + what};
  return {Errc::busy, "all in use or quarantined: " + what + " (" + std::to_string(blocked) +
                          (blocked == 1 ? " is" : " are") + " quarantined, see `penstock gpus list`)"};
}

// ---------------------------------------------------------------- who has what

void Fleet::change(std::size_t node, int device, int by) {
  const auto at = static_cast<std::size_t>(device);
  const int group = layout_->group_of[node][at];
  int& count = use_.taken[node][at];
  if (group < 0 || count + by < 0) return;
  const bool was_free = count == 0;
  count += by;
  if (use_.blocked[node][at] != 0) return;
  use_.free[static_cast<std::size_t>(group)] += (count == 0 ? 1 : 0) - (was_free ? 1 : 0);
}

bool Fleet::block(const Node& node, int device, bool blocked) {
  const std::size_t n = *number_of(node.name);
  const auto at = static_cast<std::size_t>(device);
  char& now = use_.blocked[n][at];
  if ((now != 0) == blocked) return false;
  now = blocked ? 1 : 0;
  if (use_.taken[n][at] == 0) use_.free[static_cast<std::size_t>(layout_->group_of[n][at])] += blocked ? -1 : 1;
  return true;
}

int Fleet::blocked_of(const Group& group) const {
  return static_cast<int>(std::ranges::count_if(
      group.devices, [&](int device) { return use_.blocked[group.node][static_cast<std::size_t>(device)] != 0; }));
}

Placement Fleet::located(Placement placement) const {
  if (placement.uuids.empty()) return placement;
  for (const Node& node : layout_->nodes) {
    std::vector<int> now;
    for (const auto& uuid : placement.uuids) {
      const auto gpu = std::ranges::find(node.gpus, uuid, &GpuDevice::uuid);
      if (gpu != node.gpus.end()) now.push_back(gpu->index);
    }
    if (now.empty()) continue;
    placement.node = node.name;
    placement.gpus = std::move(now);
    break;
  }
  return placement;
}

Placement Fleet::restore(Placement placement) {
  placement = located(std::move(placement));
  const auto node = number_of(placement.node);
  for (const int device : placement.gpus) {
    const bool known = node && device >= 0 && static_cast<std::size_t>(device) < use_.taken[*node].size();
    if (known) change(*node, device, 1);
  }
  return placement;
}

void Fleet::release(const Placement& placement) {
  const auto node = number_of(placement.node);
  for (const int device : placement.gpus) {
    const bool known = node && device >= 0 && static_cast<std::size_t>(device) < use_.taken[*node].size();
    if (known) change(*node, device, -1);
  }
}

bool Fleet::is_free(const Placement& placement) const {
  const auto node = number_of(placement.node);
  if (!node) return false;
  const auto& taken = use_.taken[*node];
  return std::ranges::all_of(placement.gpus, [&](int index) {
    const auto at = static_cast<std::size_t>(index);
    return index >= 0 && at < taken.size() && taken[at] == 0 && !use_.blocked[*node][at];
  });
}

int Fleet::gpus_taken() const {
  int total = 0;
  for (const auto& taken : use_.taken)
    total += static_cast<int>(std::ranges::count_if(taken, [](int n) { return n > 0; }));
  return total;
}

Fleet::Count Fleet::count(const Node& node, std::string_view gpu_type) const {
  Count out;
  for (std::size_t g = 0; g < layout_->groups.size(); ++g) {
    const Group& group = layout_->groups[g];
    if (group.type != gpu_type || layout_->nodes[group.node].name != node.name) continue;
    out.total += static_cast<int>(group.devices.size());
    out.free += use_.free[g];
  }
  return out;
}

}  // namespace penstock::core
