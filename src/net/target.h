#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace penstock::net {

/// The request target taken apart. `path` is decoded, except that an encoded slash stays `%2F`: it belongs to its
/// segment and must not make two of it.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // in the order of the text, repeated keys kept
};

/// Takes `/path?query`, `http://host/path?query` and `*`. Errors: invalid.
Result<Target> split_target(std::string_view target);

}  // namespace penstock::net
