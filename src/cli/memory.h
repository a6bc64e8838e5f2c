#pragma once

namespace penstock::cli {

/// How this process takes memory from the system, and when it gives it back. Once, before anything else in main().
void prepare_memory();

}  // namespace penstock::cli
