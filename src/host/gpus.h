#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/fleet/fleet.h"
#include "core/fleet/gpu_reading.h"
#include "host/nvml.h"

namespace penstock::host {

/// One [[node]] of penstock.toml: key and text; a list is one text with commas.
using NodeTexts = std::vector<std::pair<std::string, std::string>>;

struct HostOptions {
  std::string fake_gpus;
  std::vector<NodeTexts> nodes;
  std::string nodes_from;                    // the file that describes them
  std::map<std::string, std::string> pools;  // GPU type -> pool, over the built-in ones
  std::string nvml = kNvmlLibrary;           // "off": do not ask the driver
};

/// What this machine offers to workers, as nodes. With `fake_gpus` exactly what it says
/// (`4xAMPERE_80,2xADA_24@EU-RO-1`: count, pool or GPU type, optionally a data centre, each of which is a node of its
/// own). Otherwise the GPUs that the driver lists, as one node or as penstock.toml describes them; without a driver
/// what is described there; with neither, emulated ones: one slot per CPU core in every pool. Errors: invalid (a
/// description that does not parse, or names what is not there).
Result<std::vector<core::Node>> find_nodes(const HostOptions& options);

/// One line for people: what was found, and whether it is emulated.
std::string describe(const std::vector<core::Node>& nodes);

// ---- the parts of find_nodes()

Result<std::vector<core::Node>> parse_fake_gpus(std::string_view text);

/// The built-in pool of a GPU type, or the one that `pools` says. Older drivers leave out "NVIDIA " before "GeForce".
std::optional<std::string> pool_of(const std::string& gpu_type, const std::map<std::string, std::string>& pools);

/// From the driver's folder (/proc/driver/nvidia/gpus), for machines whose library is not there: one device per
/// sub-folder, from the lines "Model:" and "GPU UUID:" of the file `information`.
core::GpuReadings read_driver_folder(const std::string& folder);

/// One node with the GPUs of a reading; none when it has no GPU of a known pool. Types that belong to no pool are left
/// out and named in `unknown`.
std::vector<core::Node> nodes_of(const core::GpuReadings& found, const std::map<std::string, std::string>& pools,
                                 std::vector<std::string>& unknown);

/// The nodes that penstock.toml describes. GPUs of `found` are given to them; without any the descriptions stand for
/// themselves. Errors: invalid.
Result<std::vector<core::Node>> describe_nodes(const std::vector<NodeTexts>& texts, const core::GpuReadings& found,
                                               const std::map<std::string, std::string>& pools);

/// One slot per core in every pool.
std::vector<core::Node> emulate(int cores);

/// `2xADA_24`, `1xNVIDIA A40:48GB`: some GPUs of a pool or a type. Errors: invalid.
struct GpuGroup {
  int count = 0;
  std::string type;
  std::string pool;
  int memory_mb = 0;
  bool by_pool = false;  // the type is then the pool's first
};
Result<GpuGroup> parse_gpu_group(std::string_view text, const std::map<std::string, std::string>& pools);

}  // namespace penstock::host
