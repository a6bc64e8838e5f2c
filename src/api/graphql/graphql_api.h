#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/vault.h"
#include "api/core.h"
#include "graphql/limits.h"
#include "net/http.h"
#include "net/loop.h"

namespace penstock::api {

/// What `myself.serverlessDiscount` shows; it changes nothing else.
struct Discount {
  double factor = 0;
  std::string expires;  // ISO 8601
};

/// The CPUs of one model, as `cpuTypes` shows them.
struct CpuModel {
  std::string name;
  std::string manufacturer;
  int cores = 0;
  int threads_per_core = 1;
};

struct GraphqlOptions {
  std::size_t subscriptions_max = 1'000;  // at a time
  graphql::Limits limits;
  std::optional<Discount> discount;
  std::vector<CpuModel> cpus;
};

/// GraphQL over HTTP at /graphql (contract/control-plane 1): transport, authentication, and the resolvers that tie the
/// schema to the core. The schema itself is schema.cpp, in SDL.
class GraphqlApi {
 public:
  /// All outlive it.
  GraphqlApi(Core& core, const Vault& vault, net::Loop& loop, GraphqlOptions options);
  ~GraphqlApi();

  /// Also shows GraphiQL to browsers.
  void handle(const net::Request& request, net::Responder responder);
  /// What GraphiQL loads: /graphql/<name>.
  void handle_file(const net::Request& request, std::string_view name, net::Responder responder);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::api
