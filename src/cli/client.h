#pragma once

#include <string>

#include "base/error.h"
#include "json/json.h"

namespace penstock::cli {

// Exit statuses, besides 0.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// Says it on standard error and gives `status` back.
int fail_with(const std::string& message, int status);

/// Of the environment; empty when it is not set.
std::string variable(const char* name);

/// Which server, and as whom. What is empty comes from PENSTOCK_URL and PENSTOCK_API_KEY or RUNPOD_API_KEY.
struct ServerFlags {
  std::string url, key;
};

/// One request to the public API. Errors: unauthenticated (no key is known), not_found (the server says so), invalid
/// (it refuses otherwise; the message has its words), unavailable (no answer).
Result<json::Value> ask(const ServerFlags& server, const std::string& method, const std::string& path,
                        const std::string& body = "");

}  // namespace penstock::cli
