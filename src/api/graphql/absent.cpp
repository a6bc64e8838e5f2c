#include "api/graphql/absent.h"

#include <map>

namespace penstock::api {
namespace {

// contract/control-plane 1.3, B23 and B24: clients know these words.
constexpr const char* kNoInstances =
    "There are no longer any instances available with the requested specifications. Please refresh and try again.";
constexpr const char* kNoModels = "Model Repo feature is not enabled for this user";

constexpr const char* kPods = "it runs workers of serverless endpoints, and no pods";
constexpr const char* kHub = "it has no hub";
constexpr const char* kFlash = "it keeps no Flash apps; deploy an endpoint with saveEndpoint";

const std::map<std::string_view, const char*>& products() {
  static const std::map<std::string_view, const char*> all = {
      {"podRentInterruptable", kPods},
      {"deployCpuPod", kPods},
      {"podStop", kPods},
      {"podResume", kPods},
      {"podBidResume", kPods},
      {"podTerminate", kPods},
      {"podEditJob", kPods},
      {"listings", kHub},
      {"listing", kHub},
      {"listingFromRepo", kHub},
      {"flashApp", kFlash},
      {"flashAppByName", kFlash},
      {"flashEnvironment", kFlash},
      {"flashEnvironmentByName", kFlash},
      {"flashBuild", kFlash},
      {"flashAuthRequestStatus", kFlash},
      {"createFlashApp", kFlash},
      {"deleteFlashApp", kFlash},
      {"createFlashEnvironment", kFlash},
      {"deleteFlashEnvironment", kFlash},
      {"prepareFlashArtifactUpload", kFlash},
      {"finalizeFlashArtifactUpload", kFlash},
      {"updateFlashBuildManifest", kFlash},
      {"deployBuildToEnvironment", kFlash},
      {"createFlashAuthRequest", kFlash},
  };
  return all;
}

const std::map<std::string_view, const char*>& quoted_refusals() {
  static const std::map<std::string_view, const char*> all = {
      {"podFindAndDeployOnDemand", kNoInstances},
      {"myModels", kNoModels},
      {"myModel", kNoModels},
      {"addModelToRepo", kNoModels},
      {"removeModelFromRepo", kNoModels},
      {"createModelRepoUpload", kNoModels},
      {"completeModelRepoUpload", kNoModels},
      {"updateModelVersionStatus", kNoModels},
  };
  return all;
}

}  // namespace

std::optional<std::string> absent_message(std::string_view root_field) {
  if (const auto known = quoted_refusals().find(root_field); known != quoted_refusals().end()) return known->second;
  const auto product = products().find(root_field);
  if (product == products().end()) return std::nullopt;
  return std::string(root_field) + " is not implemented by this server: " + product->second;
}

}  // namespace penstock::api
