#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace penstock::server {

/// Reads `NVIDIA T4=AMPERE_16,NVIDIA A30=AMPERE_24`: the pool of each type. Errors: invalid (no such pool, no type).
Result<std::map<std::string, std::string>> parse_gpu_types(const std::string& text);

}  // namespace penstock::server
