#include "api/graphql/root_queries.h"

#include "api/graphql/absent.h"
#include "api/graphql/codes.h"
#include "api/graphql/resolvers.h"
#include "api/graphql/values.h"
#include "core/control/catalogue.h"

namespace penstock::api {
namespace {

using graphql::Args;
using graphql::FieldError;
using graphql::ListValue;
using graphql::Value;

Value public_templates(const QueryContext& at, const Args& args) {
  const graphql::Input* input = args.find("input");
  const auto* official = input ? input->find("isRunpod") : nullptr;
  ListValue out;
  if (official && official->value.as_bool() && *official->value.as_bool()) return Value(std::move(out));
  for (const auto* value : at.core->engine().public_templates()) out.push_back(template_value(*at.schema, {value}));
  return Value(std::move(out));
}

Value one_template(const QueryContext& at, const Args& args) {
  const auto id = TemplateId::parse(args.text("id"));
  const core::Template* found = id ? at.core->engine().find_template(*id) : nullptr;
  const bool visible = found && (found->is_public || (at.account && found->owner == *at.account));
  return visible ? template_value(*at.schema, {found}) : Value();
}

Value one_worker(const QueryContext& at, const Args& args) {
  const graphql::Input* input = args.find("input");
  const auto* key = input ? input->find("podId") : nullptr;
  const auto id = key ? WorkerId::parse(*key->value.as_string()) : Result<WorkerId>(fail(Errc::not_found, ""));
  const core::Worker* found = id ? at.core->engine().find_worker(*id) : nullptr;
  const core::Endpoint* endpoint = found ? at.core->engine().find_endpoint(found->endpoint) : nullptr;
  if (!endpoint || endpoint->owner != *at.account) return {};
  for (auto& worker : at.core->engine().workers_of(endpoint->id)) {
    if (worker.worker.id == *id) return worker_value(*at.schema, {at.core, endpoint, std::move(worker)});
  }
  return {};
}

/// The fields that need no key; nothing for every other one.
std::optional<Value> answer_anybody(const QueryContext& at, const graphql::RootField& field) {
  if (field.name == "gpuTypes") return gpu_types_value(*at.schema, *at.core, *field.args);
  if (field.name == "serverlessGpuPools") return gpu_pools_value(*at.schema);
  if (field.name == "cpuFlavors") return cpu_flavours_value(*at.schema, *at.core, *field.args);
  if (field.name == "cpuTypes") return cpu_types_value(*at.schema, at.options->cpus);
  if (field.name == "dataCenters") return data_centers_value(*at.schema, *at.core);
  if (field.name == "countryCodes") return texts(country_codes(at.core->engine().fleet()));
  if (field.name == "podTemplates") return public_templates(at, *field.args);
  if (field.name == "podTemplate") return one_template(at, *field.args);
  if (field.name == "allAiApiPublicConfigs") return Value(ListValue{});
  return std::nullopt;
}

}  // namespace

Value answer_query(const QueryContext& at, const graphql::RootField& field) {
  if (auto known = answer_anybody(at, field)) return std::move(*known);
  if (auto message = absent_message(field.name)) return FieldError{std::move(*message), kRefused};
  if (field.name == "myself") {
    if (!at.account) return {};
    return user_value(*at.schema, {at.core, at.core->engine().find_account(*at.account), &at.options->discount});
  }
  ENSURE(field.name == "pod");
  if (!at.account) return FieldError{"Unauthorized", kUnauthenticated};
  return one_worker(at, *field.args);
}

}  // namespace penstock::api
