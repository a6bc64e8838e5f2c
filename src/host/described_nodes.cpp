#include <algorithm>
#include <charconv>
#include <set>
#include <thread>

#include "base/text.h"
#include "core/fleet/cuda.h"
#include "host/gpus.h"

namespace penstock::host {
namespace {

/// One [[node]], read.
struct Wanted {
  std::string name = "local";
  std::string location;
  std::string data_center;
  std::string cuda;
  bool emulated = false;
  std::optional<std::vector<GpuGroup>> gpus;
  std::vector<std::string> devices;
};

Error bad(const Wanted& node, const std::string& what) {
  return Error{Errc::invalid, "[[node]] \"" + node.name + "\": " + what};
}

Result<Wanted> read_node(const NodeTexts& texts, const std::map<std::string, std::string>& pools) {
  Wanted out;
  for (const auto& [key, text] : texts) {
    if (key == "name") out.name = text;
  }
  for (const auto& [key, text] : texts) {
    if (key == "name") {
      if (text.empty()) return tl::unexpected<Error>(bad(out, "name is empty"));
    } else if (key == "location") {
      out.location = text;
    } else if (key == "data_center") {
      out.data_center = text;
    } else if (key == "cuda") {
      if (!core::parse_version(text)) {
        return tl::unexpected<Error>(bad(out, "cuda = \"" + text + "\" is not a version such as \"12.4\""));
      }
      out.cuda = text;
    } else if (key == "emulated") {
      if (text != "true" && text != "false") {
        return tl::unexpected<Error>(bad(out, "emulated = " + text + ": true and false are accepted"));
      }
      out.emulated = text == "true";
    } else if (key == "gpus") {
      out.gpus.emplace();
      for (const auto part : split_list(text, ',')) {
        auto group = parse_gpu_group(part, pools);
        if (!group) return tl::unexpected<Error>(bad(out, "gpus: " + group.error().message));
        out.gpus->push_back(std::move(*group));
      }
    } else if (key == "devices") {
      for (const auto part : split_list(text, ',')) out.devices.emplace_back(part);
    } else {
      const auto near = nearest(key, {"name", "location", "data_center", "cuda", "emulated", "gpus", "devices"});
      return tl::unexpected<Error>(bad(out, "unknown key \"" + key + "\"" +
                                                (near.empty() ? "; name, location, data_center, cuda, emulated, gpus "
                                                                "and devices are known"
                                                              : "; did you mean \"" + std::string(near) + "\"?")));
    }
  }
  if (out.emulated && !out.devices.empty()) {
    return tl::unexpected<Error>(bad(out, "emulated GPUs have no devices: leave one of the two out"));
  }
  return out;
}

/// Hands the GPUs that the driver lists to the nodes, each once.
class Dealer {
 public:
  Dealer(const core::GpuReadings& found, const std::map<std::string, std::string>& pools) {
    std::vector<std::string> unknown;
    auto nodes = nodes_of(found, pools, unknown);
    if (!nodes.empty()) free_ = std::move(nodes.front().gpus);
    // A type of no pool can still be taken by a node that names its device and says what it is.
    for (const auto& gpu : found.gpus) {
      const bool known = std::ranges::find(free_, gpu.index, &core::GpuDevice::index) != free_.end();
      if (!known) free_.push_back({gpu.index, gpu.type, "", gpu.uuid, gpu.memory_mb});
    }
    any_ = !free_.empty();
    undriven_ = 0;
  }

  bool any() const { return any_; }
  int next_undriven() { return undriven_++; }

  std::optional<core::GpuDevice> take(const std::string& device) {
    return take_if(
        [&](const core::GpuDevice& gpu) { return gpu.uuid == device || std::to_string(gpu.index) == device; });
  }
  std::optional<core::GpuDevice> take(const GpuGroup& group) {
    return take_if(
        [&](const core::GpuDevice& gpu) { return group.by_pool ? gpu.pool == group.pool : gpu.type == group.type; });
  }
  std::optional<core::GpuDevice> take_any() {
    return take_if([](const core::GpuDevice& gpu) { return !gpu.pool.empty(); });
  }

 private:
  template <class Matches>
  std::optional<core::GpuDevice> take_if(Matches matches) {
    const auto at = std::ranges::find_if(free_, matches);
    if (at == free_.end()) return std::nullopt;
    core::GpuDevice out = std::move(*at);
    free_.erase(at);
    return out;
  }

  std::vector<core::GpuDevice> free_;
  bool any_ = false;
  int undriven_ = 0;
};

/// Each GPU of the groups, in order.
std::vector<GpuGroup> one_by_one(const std::vector<GpuGroup>& groups) {
  std::vector<GpuGroup> out;
  for (const auto& group : groups) out.insert(out.end(), static_cast<std::size_t>(group.count), group);
  return out;
}

Result<void> give_devices(const Wanted& wanted, Dealer& dealer, core::Node& node) {
  const auto groups = one_by_one(wanted.gpus.value_or(std::vector<GpuGroup>{}));
  if (wanted.gpus && groups.size() != wanted.devices.size()) {
    return tl::unexpected<Error>(bad(wanted, "gpus says " + std::to_string(groups.size()) + " and devices " +
                                                 std::to_string(wanted.devices.size()) + ": give as many of each"));
  }
  for (std::size_t i = 0; i < wanted.devices.size(); ++i) {
    auto device = dealer.take(wanted.devices[i]);
    if (!device) {
      return tl::unexpected<Error>(bad(wanted, "device \"" + wanted.devices[i] +
                                                   "\" is not among the GPUs that the driver lists, or another node "
                                                   "has it (penstock gpus list, nvidia-smi -L)"));
    }
    if (wanted.gpus) {
      device->pool = groups[i].pool;
      if (!groups[i].by_pool) device->type = groups[i].type;
    }
    if (device->pool.empty()) {
      return tl::unexpected<Error>(bad(wanted, "device \"" + wanted.devices[i] + "\" is of type \"" + device->type +
                                                   "\", which belongs to no pool: say which in [gpus.types]"));
    }
    node.gpus.push_back(std::move(*device));
  }
  return {};
}

Result<void> give_groups(const Wanted& wanted, Dealer& dealer, core::Node& node) {
  for (const auto& group : *wanted.gpus) {
    for (int i = 0; i < group.count; ++i) {
      auto device = dealer.take(group);
      if (!device) {
        return tl::unexpected<Error>(
            bad(wanted, "gpus: " + std::to_string(group.count) + "x" + (group.by_pool ? group.pool : group.type) +
                            " are described and the driver lists " + std::to_string(i) + " that no other node has"));
      }
      node.gpus.push_back(std::move(*device));
    }
  }
  return {};
}

Result<core::Node> make_node(const Wanted& wanted, Dealer& dealer) {
  core::Node node;
  if (wanted.emulated && !wanted.gpus) {
    node = emulate(static_cast<int>(std::thread::hardware_concurrency())).front();
  }
  node.name = wanted.name;
  node.emulated = wanted.emulated;
  if (wanted.emulated) {
    for (const auto& gpu : one_by_one(wanted.gpus.value_or(std::vector<GpuGroup>{}))) {
      node.gpus.push_back({static_cast<int>(node.gpus.size()), gpu.type, gpu.pool, "", gpu.memory_mb});
    }
    return node;
  }
  if (!wanted.devices.empty()) {
    if (auto done = give_devices(wanted, dealer, node); !done) return tl::unexpected<Error>(done.error());
  } else if (wanted.gpus && dealer.any()) {
    if (auto done = give_groups(wanted, dealer, node); !done) return tl::unexpected<Error>(done.error());
  } else if (wanted.gpus) {
    node.described = !wanted.gpus->empty();
    for (const auto& gpu : one_by_one(*wanted.gpus)) {
      node.gpus.push_back({dealer.next_undriven(), gpu.type, gpu.pool, "", gpu.memory_mb});
    }
  }
  return node;
}

}  // namespace

Result<std::vector<core::Node>> describe_nodes(const std::vector<NodeTexts>& texts, const core::GpuReadings& found,
                                               const std::map<std::string, std::string>& pools) {
  Dealer dealer(found, pools);
  std::vector<core::Node> nodes;
  std::set<std::string> names;
  std::optional<std::size_t> takes_the_rest;
  for (const auto& text : texts) {
    const auto wanted = read_node(text, pools);
    if (!wanted) return tl::unexpected<Error>(wanted.error());
    if (!names.insert(wanted->name).second) {
      return tl::unexpected<Error>(bad(*wanted, "another node has this name; give each a name of its own"));
    }
    if (!wanted->emulated && !wanted->gpus && wanted->devices.empty()) {
      if (takes_the_rest) {
        return tl::unexpected<Error>(bad(*wanted,
                                         "another node takes all GPUs that are not named; say gpus or devices "
                                         "(gpus = [] for none)"));
      }
      takes_the_rest = nodes.size();
    }
    auto node = make_node(*wanted, dealer);
    if (!node) return tl::unexpected<Error>(node.error());
    node->location = wanted->location;
    node->data_center = wanted->data_center;
    if (!node->emulated && !node->described) node->driver_version = found.driver_version;
    node->cuda_version = !wanted->cuda.empty() || node->emulated ? wanted->cuda : found.cuda_version;
    nodes.push_back(std::move(*node));
  }
  if (takes_the_rest) {
    while (auto device = dealer.take_any()) nodes[*takes_the_rest].gpus.push_back(std::move(*device));
    if (nodes[*takes_the_rest].gpus.empty() && !dealer.any()) {
      return fail(Errc::invalid, "[[node]] \"" + nodes[*takes_the_rest].name +
                                     "\": no driver lists a GPU here: say gpus = [\"2xADA_24\"] for those that there "
                                     "are, gpus = [] for none, or emulated = true to pretend some");
    }
  }
  return nodes;
}

}  // namespace penstock::host
