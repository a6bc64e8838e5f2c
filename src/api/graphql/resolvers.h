#pragma once

#include <memory>
#include <optional>

#include "api/core.h"
#include "api/graphql/graphql_api.h"
#include "core/control/catalogue.h"
#include "graphql/schema.h"

namespace penstock::api {

/// What the schema's object types stand for. All of them look at the engine's state and are read at once.
struct UserView {
  const Core* core;
  const ::penstock::core::Account* account;
  const std::optional<Discount>* discount;
};
struct EndpointView {
  const Core* core;
  const ::penstock::core::Endpoint* endpoint;
};
struct TemplateView {
  const ::penstock::core::Template* value;
};
struct VolumeView {
  const Core* core;
  const ::penstock::core::NetworkVolume* volume;
};
struct WorkerOfEndpoint {
  const Core* core;
  const ::penstock::core::Endpoint* endpoint;
  ::penstock::core::WorkerView worker;
};

/// The schema of this server with its resolvers. Aborts when SDL and resolvers disagree: every field has one.
std::unique_ptr<graphql::Schema> make_schema();

// The parts of make_schema() in files of their own.
void bind_workers(graphql::Schema& schema);
void bind_catalogue(graphql::Schema& schema);
void bind_account(graphql::Schema& schema);

graphql::Value user_value(const graphql::Schema& schema, UserView view);
graphql::Value endpoint_value(const graphql::Schema& schema, EndpointView view);
graphql::Value template_value(const graphql::Schema& schema, TemplateView view);

graphql::Value volume_value(const graphql::Schema& schema, VolumeView view);
graphql::Value secret_value(const graphql::Schema& schema, const ::penstock::core::Secret& value);
graphql::Value credential_value(const graphql::Schema& schema, const ::penstock::core::RegistryCredential& value);
graphql::Value worker_value(const graphql::Schema& schema, WorkerOfEndpoint view);

// The catalogue: what the root fields of these names give.
graphql::Value gpu_types_value(const graphql::Schema& schema, const Core& core, const graphql::Args& args);
graphql::Value gpu_pools_value(const graphql::Schema& schema);
graphql::Value cpu_flavours_value(const graphql::Schema& schema, const Core& core, const graphql::Args& args);
graphql::Value cpu_types_value(const graphql::Schema& schema, const std::vector<CpuModel>& cpus);
graphql::Value data_centers_value(const graphql::Schema& schema, const Core& core);
graphql::Value gpu_type_value(const graphql::Schema& schema, const Core& core, const ::penstock::core::GpuType& type);
graphql::Value cpu_flavour_value(const graphql::Schema& schema, const Core& core,
                                 const ::penstock::core::CpuFlavour& flavour);
/// Null when no node is there (any more).
graphql::Value data_center_value(const graphql::Schema& schema, const Core& core, std::string_view id);

}  // namespace penstock::api
