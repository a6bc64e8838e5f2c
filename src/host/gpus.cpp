#include "host/gpus.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "base/log.h"
#include "base/text.h"

namespace penstock::host {
namespace {

constexpr int kGpusMax = 10'000;
constexpr const char* kDriverFolder = "/proc/driver/nvidia/gpus";

Error bad_group(std::string_view group) {
  return Error{Errc::invalid,
               "fake GPUs: \"" + std::string(group) +
                   "\" is not <count>x<pool>[@<data centre>], for example 4xAMPERE_80 or 2xADA_24@EU-RO-1"};
}

void add(core::Node& node, int count, const core::GpuPool& pool, std::string_view type) {
  for (int i = 0; i < count; ++i) {
    node.gpus.push_back({static_cast<int>(node.gpus.size()), std::string(type), std::string(pool.id)});
  }
}

}  // namespace

Result<std::vector<core::Node>> parse_fake_gpus(std::string_view text) {
  std::map<std::string, core::Node> nodes;  // by data centre
  int total = 0;
  for (const auto group : split_list(text, ',')) {
    const auto x = group.find('x');
    if (x == std::string_view::npos) return tl::unexpected<Error>(bad_group(group));
    int count = 0;
    const auto parsed = std::from_chars(group.data(), group.data() + x, count);
    if (parsed.ec != std::errc{} || parsed.ptr != group.data() + x || count < 1) {
      return tl::unexpected<Error>(bad_group(group));
    }
    total += std::min(count, kGpusMax + 1);
    if (total > kGpusMax) {
      return fail(Errc::invalid, "fake GPUs: more than " + std::to_string(kGpusMax) + " are not accepted");
    }
    auto what = group.substr(x + 1);
    std::string data_center;
    if (const auto at = what.find('@'); at != std::string_view::npos) {
      data_center = trim(what.substr(at + 1));
      what = what.substr(0, at);
    }
    what = trim(what);
    const core::GpuPool* pool = core::find_gpu_pool(what);
    const core::GpuPool* by_type = core::pool_of_gpu_type(what);
    if (!pool && !by_type) {
      std::vector<std::string_view> known;
      for (const auto& candidate : core::gpu_pools()) known.push_back(candidate.id);
      return fail(Errc::invalid, "fake GPUs: \"" + std::string(what) +
                                     "\" is neither a pool nor a GPU type; pools: " + join(known, ", "));
    }
    core::Node& node = nodes[data_center];
    node.name = data_center.empty() ? "local" : "local-" + data_center;
    node.data_center = data_center;
    node.emulated = true;
    add(node, count, pool ? *pool : *by_type, pool ? pool->gpu_types.front() : what);
  }
  if (nodes.empty()) return tl::unexpected<Error>(bad_group(text));
  std::vector<core::Node> out;
  for (auto& [name, node] : nodes) out.push_back(std::move(node));
  return out;
}

std::vector<core::Node> read_driver_folder(const std::string& folder, std::vector<std::string>& unknown) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> devices;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) devices.push_back(entry.path());
  std::ranges::sort(devices);  // by bus address, as the driver numbers them
  core::Node node;
  node.name = "local";
  int index = 0;
  for (const auto& device : devices) {
    std::ifstream file(device / "information");
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("Model:")) continue;
      const std::string type(trim(std::string_view(line).substr(6)));
      if (const core::GpuPool* pool = core::pool_of_gpu_type(type)) {
        node.gpus.push_back({index, type, std::string(pool->id)});
      } else {
        unknown.push_back(type);
      }
      ++index;
    }
  }
  if (node.gpus.empty()) return {};
  return {std::move(node)};
}

std::vector<core::Node> emulate(int cores) {
  core::Node node;
  node.name = "local";
  node.emulated = true;
  for (const auto& pool : core::gpu_pools()) add(node, std::max(cores, 1), pool, pool.gpu_types.front());
  return {std::move(node)};
}

Result<std::vector<core::Node>> find_nodes(std::string_view fake_gpus) {
  if (!trim(fake_gpus).empty()) return parse_fake_gpus(fake_gpus);
  std::vector<std::string> unknown;
  auto nodes = read_driver_folder(kDriverFolder, unknown);
  for (const auto& type : unknown) {
    log::warn("GPU \"{}\" belongs to no pool and is not used; describe this machine with --fake-gpus to use it", type);
  }
  if (!nodes.empty()) return nodes;
  return emulate(static_cast<int>(std::thread::hardware_concurrency()));
}

std::string describe(const std::vector<core::Node>& nodes) {
  std::vector<std::string> parts;
  for (const auto& node : nodes) {
    std::map<std::string, int> pools;
    for (const auto& gpu : node.gpus) ++pools[gpu.pool];
    std::vector<std::string> counts;
    for (const auto& [pool, count] : pools) counts.push_back(std::to_string(count) + "x" + pool);
    parts.push_back("node " + node.name + (node.emulated ? ", emulated GPUs: " : ", GPUs: ") + join(counts, ", "));
  }
  return join(parts, "; ");
}

}  // namespace penstock::host
