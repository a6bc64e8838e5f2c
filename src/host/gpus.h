#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/fleet/fleet.h"

namespace penstock::host {

/// What this machine offers to workers, as nodes. With `fake_gpus` exactly what it says
/// (`4xAMPERE_80,2xADA_24@EU-RO-1`: count, pool or GPU type, optionally a data centre, each of which is a node of its
/// own); otherwise the GPUs that the NVIDIA driver lists; without any, emulated ones: one slot per CPU core in every
/// pool. Errors: invalid (`fake_gpus` does not parse).
Result<std::vector<core::Node>> find_nodes(std::string_view fake_gpus);

/// One line for people: what was found, and whether it is emulated.
std::string describe(const std::vector<core::Node>& nodes);

/// The parser behind `fake_gpus`.
Result<std::vector<core::Node>> parse_fake_gpus(std::string_view text);

/// Nodes from the driver's folder (/proc/driver/nvidia/gpus): one device per sub-folder, its type from the line
/// "Model:" of the file `information`. Devices of a type that belongs to no pool are left out and named in `unknown`.
std::vector<core::Node> read_driver_folder(const std::string& folder, std::vector<std::string>& unknown);

/// One slot per core in every pool.
std::vector<core::Node> emulate(int cores);

}  // namespace penstock::host
