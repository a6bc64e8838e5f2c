#include "host/gpus.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "core/control/catalogue.h"

namespace penstock::host {
namespace {

constexpr int kGpusMax = 10'000;
constexpr int kMegabytesPerGb = 1024;
constexpr int kMemoryGbMax = 10'000;
constexpr const char* kDriverFolder = "/proc/driver/nvidia/gpus";

std::string pool_names() {
  std::vector<std::string_view> known;
  for (const auto& pool : core::gpu_pools()) known.push_back(pool.id);
  return join(known, ", ");
}

std::string modern(const std::string& type) {
  return type.starts_with("GeForce ") || type.starts_with("RTX ") || type.starts_with("A100") ? "NVIDIA " + type : type;
}

void add(core::Node& node, const GpuGroup& group) {
  for (int i = 0; i < group.count; ++i) {
    node.gpus.push_back({static_cast<int>(node.gpus.size()), group.type, group.pool, "", group.memory_mb});
  }
}

/// NVML where it can be had. What was found is then asked for its health too; see GpuWatch.
core::GpuReadings read_driver(const std::string& library) {
  if (library == "off") return {};
  auto nvml = open_nvml(library);
  if (!nvml && nvml.error().code == Errc::not_found && library != kNvmlLibrary) {
    log::warn("gpus.nvml: {}", nvml.error().message);
  }
  if (!nvml && nvml.error().code == Errc::unavailable) log::warn("GPUs: {}", nvml.error().message);
  if (nvml) {
    auto readings = (*nvml)->read();
    if (readings) return std::move(*readings);
    log::warn("GPUs: {}", readings.error().message);
  }
  return library == kNvmlLibrary ? read_driver_folder(kDriverFolder) : core::GpuReadings{};
}

}  // namespace

std::optional<std::string> pool_of(const std::string& gpu_type, const std::map<std::string, std::string>& pools) {
  if (const auto own = pools.find(gpu_type); own != pools.end()) return own->second;
  if (const core::GpuPool* pool = core::pool_of_gpu_type(gpu_type)) return std::string(pool->id);
  return std::nullopt;
}

Result<GpuGroup> parse_gpu_group(std::string_view text, const std::map<std::string, std::string>& pools) {
  const Error bad{Errc::invalid, "\"" + std::string(text) +
                                     "\" is not <count>x<pool or GPU type>[:<memory>GB], for example 4xAMPERE_80"};
  GpuGroup out;
  const auto x = text.find('x');
  if (x == std::string_view::npos) return tl::unexpected<Error>(bad);
  out.count = parse_number<int>(text.substr(0, x)).value_or(0);
  if (out.count < 1) return tl::unexpected<Error>(bad);
  if (out.count > kGpusMax) {
    return fail(Errc::invalid,
                "\"" + std::string(text) + "\": more than " + std::to_string(kGpusMax) + " GPUs are not accepted");
  }
  auto what = text.substr(x + 1);
  int memory_gb = 0;
  if (const auto colon = what.find(':'); colon != std::string_view::npos) {
    auto memory = trim(what.substr(colon + 1));
    if (memory.ends_with("GB")) memory.remove_suffix(2);
    const auto parsed = std::from_chars(memory.data(), memory.data() + memory.size(), memory_gb);
    if (parsed.ec != std::errc{} || !trim({parsed.ptr, memory.data() + memory.size()}).empty() || memory_gb < 1 ||
        memory_gb > kMemoryGbMax) {
      return tl::unexpected<Error>(bad);
    }
    what = what.substr(0, colon);
  }
  what = trim(what);
  const core::GpuPool* pool = core::find_gpu_pool(what);
  const auto by_type = pool_of(std::string(what), pools);
  if (!pool && !by_type) {
    return fail(Errc::invalid,
                "\"" + std::string(what) + "\" is neither a pool nor a GPU type; pools: " + pool_names());
  }
  out.by_pool = pool != nullptr;
  out.type = pool ? std::string(pool->gpu_types.front()) : std::string(what);
  out.pool = pool ? std::string(pool->id) : *by_type;
  const core::GpuType* known = core::find_gpu_type(out.type);
  const int usual_gb = known ? known->memory_gb : core::find_gpu_pool(out.pool)->memory_gb;
  out.memory_mb = (memory_gb > 0 ? memory_gb : usual_gb) * kMegabytesPerGb;
  return out;
}

Result<std::vector<core::Node>> parse_fake_gpus(std::string_view text) {
  std::map<std::string, core::Node> nodes;  // by data centre
  int total = 0;
  const Error bad{Errc::invalid, "fake GPUs: \"" + std::string(text) +
                                     "\" is not <count>x<pool>[@<data centre>], for example 4xAMPERE_80 or "
                                     "2xADA_24@EU-RO-1"};
  for (auto part : split_list(text, ',')) {
    std::string data_center;
    if (const auto at = part.find('@'); at != std::string_view::npos) {
      data_center = trim(part.substr(at + 1));
      part = trim(part.substr(0, at));
    }
    const auto group = parse_gpu_group(part, {});
    if (!group) return fail(Errc::invalid, "fake GPUs: " + group.error().message);
    total += group->count;
    if (total > kGpusMax) {
      return fail(Errc::invalid, "fake GPUs: more than " + std::to_string(kGpusMax) + " are not accepted");
    }
    core::Node& node = nodes[data_center];
    node.name = data_center.empty() ? "local" : "local-" + data_center;
    node.data_center = data_center;
    node.emulated = true;
    add(node, *group);
  }
  if (nodes.empty()) return tl::unexpected<Error>(bad);
  std::vector<core::Node> out;
  for (auto& [name, node] : nodes) out.push_back(std::move(node));
  return out;
}

core::GpuReadings read_driver_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> devices;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) devices.push_back(entry.path());
  std::ranges::sort(devices);  // by bus address, as the driver numbers them
  core::GpuReadings out;
  for (const auto& device : devices) {
    std::ifstream file(device / "information");
    core::GpuReading gpu;
    gpu.index = static_cast<int>(out.gpus.size());
    for (std::string line; std::getline(file, line);) {
      const auto colon = std::min(line.find(':'), line.size());
      const auto key = std::string_view(line).substr(0, colon);
      const auto value = trim(std::string_view(line).substr(std::min(colon + 1, line.size())));
      if (key == "Model") gpu.type = value;
      if (key == "GPU UUID" && value.find('?') == std::string_view::npos) gpu.uuid = value;  // ??? until first used
    }
    if (!gpu.type.empty()) out.gpus.push_back(std::move(gpu));
  }
  return out;
}

std::vector<core::Node> nodes_of(const core::GpuReadings& found, const std::map<std::string, std::string>& pools,
                                 std::vector<std::string>& unknown) {
  core::Node node;
  node.name = "local";
  node.driver_version = found.driver_version;
  node.cuda_version = found.cuda_version;
  for (const auto& gpu : found.gpus) {
    const std::string type = pools.contains(gpu.type) ? gpu.type : modern(gpu.type);
    const auto pool = pool_of(type, pools);
    if (!pool) {
      unknown.push_back(gpu.type);
      continue;
    }
    const int memory = gpu.memory_mb > 0 ? gpu.memory_mb : core::find_gpu_pool(*pool)->memory_gb * kMegabytesPerGb;
    node.gpus.push_back({gpu.index, type, *pool, gpu.uuid, memory});
  }
  if (node.gpus.empty()) return {};
  return {std::move(node)};
}

std::vector<core::Node> emulate(int cores) {
  core::Node node;
  node.name = "local";
  node.emulated = true;
  for (const auto& pool : core::gpu_pools()) {
    add(node, {std::max(cores, 1), std::string(pool.gpu_types.front()), std::string(pool.id),
               pool.memory_gb * kMegabytesPerGb});
  }
  return {std::move(node)};
}

Result<std::vector<core::Node>> find_nodes(const HostOptions& options) {
  if (!trim(options.fake_gpus).empty()) {
    if (!options.nodes.empty()) log::warn("GPUs are pretended (gpus.fake), so [[node]] of penstock.toml has no effect");
    return parse_fake_gpus(options.fake_gpus);
  }
  const core::GpuReadings found = read_driver(options.nvml);
  if (!options.nodes.empty()) {
    auto described = describe_nodes(options.nodes, found, options.pools);
    if (!described) return fail(described.error().code, options.nodes_from + ": " + described.error().message);
    return described;
  }
  std::vector<std::string> unknown;
  auto nodes = nodes_of(found, options.pools, unknown);
  for (const auto& type : unknown) {
    log::warn("GPU \"{}\" belongs to no pool and is not used; [gpus.types] of penstock.toml can say which it is in",
              type.empty() ? "that does not tell its type" : type);
  }
  if (!nodes.empty()) return nodes;
  log::warn("no GPU that could be used was found: GPUs are emulated, workers of all pools run without one");
  return emulate(static_cast<int>(std::thread::hardware_concurrency()));
}

std::string describe(const std::vector<core::Node>& nodes) {
  std::vector<std::string> parts;
  for (const auto& node : nodes) {
    std::map<std::string, int> pools;
    for (const auto& gpu : node.gpus) ++pools[gpu.pool];
    std::vector<std::string> counts;
    for (const auto& [pool, count] : pools) counts.push_back(std::to_string(count) + "x" + pool);
    const char* kind = node.emulated ? ", emulated GPUs: " : node.described ? ", GPUs as described: " : ", GPUs: ";
    parts.push_back("node " + node.name + (node.location.empty() ? "" : ", " + node.location) +
                    (node.data_center.empty() ? "" : ", " + node.data_center) +
                    (node.cuda_version.empty() ? "" : ", CUDA " + node.cuda_version) + kind +
                    (counts.empty() ? "none" : join(counts, ", ")));
  }
  return join(parts, "; ");
}

}  // namespace penstock::host
