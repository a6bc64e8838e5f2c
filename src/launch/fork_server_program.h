#pragma once

#include <string>

namespace penstock::launch {

/// The text of fork_server.py, for `python3 -c`.
std::string fork_server_program();

}  // namespace penstock::launch
