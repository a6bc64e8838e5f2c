#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/fields.h"

namespace penstock::net {

/// Takes a request target apart: `/path?query`, `http://host/path?query` or `*`. The path is decoded, except that an
/// encoded slash stays `%2F`: it belongs to its segment and must not make two of it. Adds to the query, decoded.
/// Errors: invalid; what was written is of no use then.
Result<void> split_target(std::string_view target, std::string& path, Fields& query);

}  // namespace penstock::net
