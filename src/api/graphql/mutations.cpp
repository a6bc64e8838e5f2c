#include "api/graphql/mutations.h"

#include <map>

#include "api/graphql/codes.h"
#include "api/graphql/inputs.h"
#include "api/graphql/resolvers.h"
#include "base/log.h"
#include "core/control/secret_rules.h"
#include "graphql/error.h"
#include "json/json.h"

namespace penstock::api {
namespace {

using graphql::Args;
using graphql::FieldError;
using graphql::Input;
using graphql::Value;
using Read = tl::expected<Mutation, FieldError>;

/// The text of a key that the schema requires.
std::string required(const Input& input, std::string_view key) {
  return *input.find(key)->value.as_string();
}

/// One field while it is read.
class Reader {
 public:
  Reader(const QueryContext& at, const Vault& vault, const Args& args) : at_(at), vault_(vault), args_(args) {}

  Read save_endpoint() const {
    auto read = endpoint_input(input());
    if (!read) return refused(read.error());
    return Mutation{core::SaveEndpoint{0, {}, std::move(*read)}, endpoint()};
  }
  Read delete_endpoint() const { return Mutation{core::DeleteEndpoint{0, {}, std::string(args_.text("id"))}, nothing}; }
  Read update_endpoint_template() const {
    if (!has_input()) return no_input();
    return Mutation{
        core::UpdateEndpointTemplate{0, {}, required(input(), "endpointId"), required(input(), "templateId")},
        endpoint()};
  }
  Read save_template() const {
    if (!has_input()) return no_input();
    return Mutation{core::SaveTemplate{0, {}, template_input(input())}, [at = at_](const core::Reply& reply) {
                      const auto* saved = at.core->engine().find_template(std::get<core::TemplateReply>(reply.what).id);
                      return saved ? template_value(*at.schema, {saved}) : Value();
                    }};
  }
  Read delete_template() const {
    return Mutation{core::DeleteTemplate{0, {}, std::string(args_.text("templateName"))}, nothing};
  }
  Read save_volume() const {
    return Mutation{core::SaveVolume{0, {}, volume_input(input())}, [at = at_](const core::Reply& reply) {
                      const auto* saved = at.core->engine().find_volume(std::get<core::VolumeReply>(reply.what).id);
                      return saved ? volume_value(*at.schema, {at.core, saved}) : Value();
                    }};
  }
  Read delete_volume() const { return Mutation{core::DeleteVolume{0, {}, required(input(), "id")}, nothing}; }
  Read save_credential() const {
    if (!has_input()) return no_input();
    const std::string user = required(input(), "username");
    const std::string password = required(input(), "password");
    for (const auto& [key, value] : {std::pair("username", &user), std::pair("password", &password)}) {
      if (auto fine = core::check_secret_value(key, *value); !fine) return refused(fine.error());
    }
    core::CredentialInput out;
    if (const auto* id = input().find("id")) out.id = *id->value.as_string();
    if (const auto* name = input().find("name")) out.name = *name->value.as_string();
    out.sealed = vault_.seal(json::write(json::Object{{"username", user}, {"password", password}}));
    return Mutation{core::SaveCredential{0, {}, std::move(out)}, [at = at_](const core::Reply& reply) {
                      const auto* saved =
                          at.core->engine().find_credential(std::get<core::CredentialReply>(reply.what).id);
                      return saved ? credential_value(*at.schema, *saved) : Value();
                    }};
  }
  Read delete_credential() const {
    return Mutation{core::DeleteCredential{0, {}, std::string(args_.text("registryAuthId"))}, nothing};
  }
  Read save_secret() const {
    core::SecretInput out = secret_input(input());
    if (const auto* value = input().find("value")) {
      const std::string& text = *value->value.as_string();
      if (auto fine = core::check_secret_value("value", text); !fine) return refused(fine.error());
      out.sealed = vault_.seal(text);
    }
    return Mutation{core::SaveSecret{0, {}, std::move(out)}, [at = at_](const core::Reply& reply) {
                      const auto* saved = at.core->engine().find_secret(std::get<core::SecretReply>(reply.what).id);
                      return saved ? secret_value(*at.schema, *saved) : Value();
                    }};
  }
  Read delete_secret() const { return Mutation{core::DeleteSecret{0, {}, std::string(args_.text("id"))}, nothing}; }
  Read update_settings() const {
    if (!has_input()) return no_input();
    return Mutation{core::UpdateSettings{0, {}, pub_key_input(input())}, [at = at_](const core::Reply&) {
                      const auto* account = at.core->engine().find_account(*at.account);
                      return user_value(*at.schema, {at.core, account, &at.options->discount});
                    }};
  }

 private:
  static Read refused(const Error& error) { return tl::unexpected<FieldError>(field_error(error)); }
  static Value nothing(const core::Reply&) { return {}; }
  static Read no_input() { return tl::unexpected<FieldError>(FieldError{"input is required", kRefused}); }

  std::function<Value(const core::Reply&)> endpoint() const {
    return [at = at_](const core::Reply& reply) {
      const auto* saved = at.core->engine().find_endpoint(std::get<core::EndpointReply>(reply.what).id);
      return saved ? endpoint_value(*at.schema, {at.core, saved}) : Value();
    };
  }
  bool has_input() const { return args_.find("input") && !input().is_null(); }
  const Input& input() const { return *args_.find("input"); }

  const QueryContext& at_;
  const Vault& vault_;
  const Args& args_;
};

using Method = Read (Reader::*)() const;

const std::map<std::string_view, Method>& methods() {
  static const std::map<std::string_view, Method> all = {
      {"saveEndpoint", &Reader::save_endpoint},
      {"deleteEndpoint", &Reader::delete_endpoint},
      {"updateEndpointTemplate", &Reader::update_endpoint_template},
      {"saveTemplate", &Reader::save_template},
      {"deleteTemplate", &Reader::delete_template},
      {"createNetworkVolume", &Reader::save_volume},
      {"updateNetworkVolume", &Reader::save_volume},
      {"deleteNetworkVolume", &Reader::delete_volume},
      {"saveRegistryAuth", &Reader::save_credential},
      {"updateRegistryAuth", &Reader::save_credential},
      {"deleteRegistryAuth", &Reader::delete_credential},
      {"secretCreate", &Reader::save_secret},
      {"secretValueUpdate", &Reader::save_secret},
      {"secretDescriptionUpdate", &Reader::save_secret},
      {"secretDelete", &Reader::delete_secret},
      {"updateUserSettings", &Reader::update_settings},
  };
  return all;
}

}  // namespace

FieldError field_error(const Error& error) {
  if (error.code != Errc::internal) return {error.message, kRefused};
  log::error("a GraphQL request failed: {}", error.message);
  return {"Something went wrong. Please try again later or contact support.", std::string(graphql::kInternal)};
}

Read read_mutation(const QueryContext& at, const Vault& vault, const graphql::RootField& field) {
  const auto method = methods().find(field.name);
  ENSURE(method != methods().end());
  return (Reader(at, vault, *field.args).*method->second)();
}

}  // namespace penstock::api
