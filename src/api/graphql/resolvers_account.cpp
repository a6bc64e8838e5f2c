#include "api/graphql/resolvers.h"
#include "api/graphql/values.h"

// The account and what it keeps besides endpoints and templates.

namespace penstock::api {
namespace {

using graphql::Args;
using graphql::Binder;
using graphql::ListValue;
using graphql::make_object;
using graphql::Schema;
using graphql::Sink;
using graphql::Value;

struct DiscountView {
  AccountId account;
  Discount discount;
};

struct KeyView {
  const core::ApiKey* key;
};
struct SpendView {};

Value endpoint_of(const Schema& schema, const UserView& v, const Args& args) {
  const auto id = EndpointId::parse(args.text("id"));
  const core::Endpoint* found = id ? v.core->engine().find_endpoint(*id) : nullptr;
  if (!found || found->owner != v.account->id) return {};
  return endpoint_value(schema, {v.core, found});
}

Value discount_value(const Schema& schema, const UserView& v) {
  if (!*v.discount) return {};
  return make_object(schema, "Discount", DiscountView{v.account->id, **v.discount});
}

void bind_secrets(Schema& schema) {
  const auto updated = [](const core::Secret& v) { return iso8601(v.updated); };
  Binder<core::Secret>(schema, "Secret")
      .field("id", [](const core::Secret& v) { return Value(v.id.str()); })
      .field("name", [](const core::Secret& v) { return Value(v.name); })
      .field("description", [](const core::Secret& v) { return Value::of(v.description); })
      .field("createdAt", [](const core::Secret& v) { return iso8601(v.created); })
      .field("updatedAt", updated)
      .field("lastUpdatedAt", updated)
      .field("lastRetrievedAt", [](const core::Secret&) { return Value(); });
  Binder<core::RegistryCredential>(schema, "ContainerRegistryAuth")
      .field("id", [](const core::RegistryCredential& v) { return Value(v.id.str()); })
      .field("name", [](const core::RegistryCredential& v) { return Value(v.name); })
      .field("userId", [](const core::RegistryCredential& v) { return Value(v.owner.str()); })
      .field("registryAuth", [](const core::RegistryCredential&) { return Value(); });
}

Value volumes_value(const Schema& schema, const UserView& v) {
  ListValue out;
  for (const auto* volume : v.core->engine().volumes_of(v.account->id)) {
    out.push_back(volume_value(schema, {v.core, volume}));
  }
  return Value(std::move(out));
}

void bind_volume(Schema& schema) {
  const auto nothing = [](const VolumeView&) { return Value(); };
  Binder<VolumeView>(schema, "NetworkVolume")
      .field("id", [](const VolumeView& v) { return Value(v.volume->id.str()); })
      .field("name", [](const VolumeView& v) { return Value(v.volume->name); })
      .field("size", [](const VolumeView& v) { return Value(v.volume->size_gb); })
      .field("dataCenterId", [](const VolumeView& v) { return Value(v.volume->data_center); })
      .field("dataCenter",
             [&schema](const VolumeView& v) { return data_center_value(schema, *v.core, v.volume->data_center); })
      // A volume is a directory of this server's file system.
      .field("storageClusterId", nothing)
      .field("storageType", nothing);
}

/// What the account of a hosted service has besides: money, mail and teams.
void bind_money(Schema& schema) {
  bind_constant<UserView>(
      schema, "User", Value(0.0),
      {"clientBalance", "currentSpendPerHr", "clientLifetimeSpend", "hostBalance", "referralEarned", "templateEarned"});
  bind_constant<UserView>(schema, "User", Value(false),
                          {"underBalance", "notifyPodsStale", "notifyPodsGeneral", "notifyLowBalance", "notifyOther",
                           "isTeam", "multiFactorEnabled"});
  bind_constant<UserView>(schema, "User", Value(ListValue{}), {"savingsPlans"});
  bind_nulls<UserView>(schema, "User",
                       {"spendLimit", "minBalance", "creditAlertThreshold", "signedTermsOfService", "authId",
                        "machineQuota", "referralId", "information"});
  bind_absent<UserView>(schema, "User", {"dailyCharges", "billing", "flashApps"});
  Binder<UserView>(schema, "User").field("spendDetails", [&schema](const UserView&) {
    return make_object(schema, "SpendDetails", SpendView{});
  });
  bind_constant<SpendView>(schema, "SpendDetails", Value(0.0),
                           {"localStoragePerHour", "networkStoragePerHour", "gpuComputePerHour"});
}

void bind_keys(Schema& schema) {
  Binder<KeyView>(schema, "ApiKey")
      .field("id", [](const KeyView& v) { return Value(v.key->id); })
      .field("name", [](const KeyView& v) { return Value(v.key->name); })
      .field("permissions",
             [](const KeyView& v) { return Value(v.key->scope == core::KeyScope::all ? "ALL" : "READ_ONLY"); })
      .field("createdAt", [](const KeyView& v) { return iso8601(v.key->created); })
      .field("lastUsed", [](const KeyView&) { return Value(); });
}

void bind_user(Schema& schema) {
  Binder<DiscountView>(schema, "Discount")
      .field("userId", [](const DiscountView& v) { return Value(v.account.str()); })
      .field("type", [](const DiscountView&) { return Value("SERVERLESS"); })
      .field("discountFactor", [](const DiscountView& v) { return Value(v.discount.factor); })
      .field("expirationDate", [](const DiscountView& v) { return Value(v.discount.expires); })
      .field("activeDiscountFactor", [](const DiscountView& v) { return Value(v.discount.factor); });
  bind_nulls<DiscountView>(schema, "Discount", {"activeWorkers"});
  Binder<UserView>(schema, "User")
      .field("id", [](const UserView& v) { return Value(v.account->id.str()); })
      .field("email", [](const UserView& v) { return Value(v.account->email); })
      .field("endpoints",
             [endpoint = schema.type("Endpoint")](const UserView& v, Sink& sink) {
               sink.list(v.core->engine().endpoints_of(v.account->id), [&](const core::Endpoint* one, Sink& item) {
                 const EndpointView view{v.core, one};
                 item.object(*endpoint, &view, one->revision.number);
               });
             })
      .field("endpoint", [&schema](const UserView& v, const Args& args) { return endpoint_of(schema, v, args); })
      .field("serverlessDiscount", [&schema](const UserView& v) { return discount_value(schema, v); })
      .field("podTemplates",
             [&schema](const UserView& v) {
               ListValue out;
               for (const auto* t : v.core->engine().templates_of(v.account->id))
                 out.push_back(template_value(schema, {t}));
               return Value(std::move(out));
             })
      .field("networkVolumes", [&schema](const UserView& v) { return volumes_value(schema, v); })
      .field("containerRegistryCreds",
             [&schema](const UserView& v) {
               ListValue out;
               for (const auto* c : v.core->engine().credentials_of(v.account->id))
                 out.push_back(credential_value(schema, *c));
               return Value(std::move(out));
             })
      .field("secrets",
             [&schema](const UserView& v) {
               ListValue out;
               for (const auto* s : v.core->engine().secrets_of(v.account->id)) out.push_back(secret_value(schema, *s));
               return Value(std::move(out));
             })
      .field("pods", [](const UserView&) { return Value(ListValue{}); })
      .field("maxServerlessConcurrency",
             [](const UserView& v) { return Value(v.core->engine().settings().workers_quota); })
      .field("pubKey", [](const UserView& v) { return text_or_null(v.account->pub_key); })
      .field("datacenters", [&schema](const UserView& v) { return data_centers_value(schema, *v.core); })
      .field("apiKeys", [&schema](const UserView& v) {
        ListValue out;
        for (const auto* key : v.core->engine().keys_of(v.account->id))
          out.push_back(make_object(schema, "ApiKey", KeyView{key}));
        return Value(std::move(out));
      });
  bind_money(schema);
}

}  // namespace

void bind_account(Schema& schema) {
  bind_user(schema);
  bind_volume(schema);
  bind_secrets(schema);
  bind_keys(schema);
}

Value user_value(const Schema& schema, UserView view) {
  return make_object(schema, "User", view);
}

Value secret_value(const Schema& schema, const core::Secret& value) {
  return make_object(schema, "Secret", value);
}

Value credential_value(const Schema& schema, const core::RegistryCredential& value) {
  return make_object(schema, "ContainerRegistryAuth", value);
}

Value volume_value(const Schema& schema, VolumeView view) {
  return make_object(schema, "NetworkVolume", view);
}

}  // namespace penstock::api
