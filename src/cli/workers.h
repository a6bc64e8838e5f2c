#pragma once

#include <string>

#include "cli/client.h"

namespace penstock::cli {

/// `penstock workers ENDPOINT`: who is there, and how long cold starts took.
int list_workers(const ServerFlags& server, const std::string& endpoint, bool as_json);

}  // namespace penstock::cli
