#pragma once

#include <string>
#include <vector>

#include "core/engine.h"
#include "core/outcomes.h"

namespace penstock::api {

/// The job object of contract/data-plane 1.2. A terminal one always has workerId, delayTime and executionTime.
std::string job_text(const core::JobView& job);

/// `{"id":...,"status":...}`, with the reason why it waits if one is given.
std::string job_status_text(const JobId& id, core::JobStatus status,
                            const std::optional<core::WaitReason>& wait = std::nullopt);

/// `{"status":...,"stream":[...]}`: chunks are the worker's own objects.
std::string stream_text(const core::StreamPage& page);

std::string health_text(const core::Health& health);

/// `{"readyWorkers":[...],"workers":{...}}`, as flash reads it. Workers that run a job are listed too: theirs are the
/// logs that it shows.
std::string worker_metrics_text(const core::Health& health, const std::vector<core::WorkerView>& workers);

}  // namespace penstock::api
