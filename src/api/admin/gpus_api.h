#pragma once

#include <string>

#include "api/core.h"
#include "api/path_parts.h"
#include "net/http.h"

namespace penstock::api {

/// The nodes and GPUs of this server:
///   GET  /penstock/v1/gpus                  all of them, with health, use and quarantine
///   POST /penstock/v1/gpus/{id}/quarantine  no worker gets it any more; {"reason": "..."}
///   POST /penstock/v1/gpus/{id}/release     ends that
class GpusApi {
 public:
  explicit GpusApi(Core& core) : core_(core) {}

  /// `parts`: the path after /penstock/v1.
  void handle(const net::Request& request, PathParts parts, net::Responder responder);

 private:
  std::string list() const;

  Core& core_;
};

}  // namespace penstock::api
