#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace penstock::json {

/// The error for a text that is not JSON. `byte` counts from 0.
Error not_json(std::string_view what, std::size_t byte);

}  // namespace penstock::json
