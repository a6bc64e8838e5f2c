#include "api/admin/worker_environment.h"

#include "base/text.h"

namespace penstock::api {
namespace {

std::string query_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += plain ? c : '+';
  }
  return out;
}

}  // namespace

std::vector<core::EnvVar> worker_environment(const ServerFacts& server, const WorkerKeys& keys,
                                             const EndpointId& endpoint, const WorkerId& worker,
                                             const core::Placement& placement) {
  const std::string base = server.worker_base_url + "/v2/" + endpoint.str();
  // A '?' must be there already: the SDK appends "&..." to whatever it is given.
  const std::string tail =
      "?gpu=" + (placement.gpu_type.empty() ? std::string("none") : query_text(placement.gpu_type));
  std::vector<core::EnvVar> out = {
      {"RUNPOD_WEBHOOK_GET_JOB", base + "/job-take/" + worker.str() + tail},
      {"RUNPOD_WEBHOOK_POST_OUTPUT", base + "/job-done/" + worker.str() + "/$ID" + tail},
      {"RUNPOD_WEBHOOK_POST_STREAM", base + "/job-stream/" + worker.str() + "/$ID" + tail},
      {"RUNPOD_WEBHOOK_PING", base + "/ping/" + worker.str() + tail},
      {"RUNPOD_PING_INTERVAL", std::to_string(server.ping_interval.count())},
      {"RUNPOD_AI_API_KEY", keys.key_of(endpoint, worker)},
      {"RUNPOD_POD_ID", worker.str()},
      {"RUNPOD_POD_HOSTNAME", worker.str()},
      {"RUNPOD_ENDPOINT_ID", endpoint.str()},
      // The SDK's own checks want the internet and 4 GB of free memory, or the worker exits (2.11).
      {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS", "true"},
      {"RUNPOD_GPU_COUNT", std::to_string(placement.gpus.size())},
  };
  if (!placement.gpus.empty()) {
    std::vector<std::string> devices;
    for (const int gpu : placement.gpus) devices.push_back(std::to_string(gpu));
    out.push_back({"RUNPOD_GPU_TYPE_ID", placement.gpu_type});
    // CUDA counts the fastest first unless it is told to count as the driver does. A UUID needs no counting.
    if (placement.uuids.empty()) out.push_back({"CUDA_DEVICE_ORDER", "PCI_BUS_ID"});
    if (!placement.uuids.empty()) devices = placement.uuids;
    out.push_back({"CUDA_VISIBLE_DEVICES", join(devices, ",")});
    out.push_back({"NVIDIA_VISIBLE_DEVICES", join(devices, ",")});
  }
  return out;
}

}  // namespace penstock::api
