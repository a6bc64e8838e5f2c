#include <algorithm>

#include "core/control/secret_rules.h"
#include "core/control/volume_rules.h"
#include "core/engine_state.h"

namespace penstock::core {
namespace {

constexpr std::size_t kPubKeyBytesMax = 64 * 1024;

template <class Id, class Value>
bool name_taken(const std::map<Id, Value>& table, const AccountId& owner, const std::string& name) {
  return std::ranges::any_of(table,
                             [&](const auto& one) { return one.second.owner == owner && one.second.name == name; });
}

/// Null when there is none of this id, or it is somebody else's.
template <class Id, class Value>
const Value* owned_by(const std::map<Id, Value>& table, const AccountId& owner, const std::string& text) {
  const auto id = Id::parse(text);
  const auto found = id ? table.find(*id) : table.end();
  return found == table.end() || found->second.owner != owner ? nullptr : &found->second;
}

}  // namespace

// ---------------------------------------------------------------- network volumes

void EngineState::on(SaveVolume& c) {
  NetworkVolume before;
  const bool creating = c.input.id.absent();
  if (creating) {
    if (static_cast<int>(volumes.size()) >= settings.volumes_max) {
      return reply_error(c.to, Errc::busy,
                         "this server keeps at most " + std::to_string(settings.volumes_max) + " network volumes");
    }
    before.id = *VolumeId::parse(random_alphanumeric(random, 10));
    before.owner = c.owner;
    before.created = now;
  } else {
    const NetworkVolume* known = owned_by(volumes, c.owner, c.input.id.value());
    if (!known) return reply_error(c.to, Errc::not_found, "Network volume not found");
    before = *known;
  }
  auto after = with_input(std::move(before), c.input, creating, fleet);
  if (!after) return reply(c.to, after.error());
  reply(c.to, VolumeReply{after->id});
  fx->records.push_back(VolumeSaved{*after});
  if (creating) volume_order.push_back(after->id);
  volumes.insert_or_assign(after->id, std::move(*after));
}

void EngineState::on(DeleteVolume& c) {
  const NetworkVolume* known = owned_by(volumes, c.owner, c.id);
  if (!known) return reply_error(c.to, Errc::not_found, "Tried to delete nonexistent network volume");
  const VolumeId id = known->id;
  for (const EndpointEntry* entry : endpoint_order) {
    const auto& used = entry->endpoint.volumes;
    if (std::ranges::find(used, id) == used.end()) continue;
    return reply_error(c.to, Errc::conflict,
                       "Network volume is attached to endpoint " + entry->endpoint.id.str() +
                           " and cannot be deleted; take it off the endpoint first");
  }
  fx->records.push_back(VolumeRemoved{id});
  fx->orders.push_back(RemoveVolume{id});
  std::erase(volume_order, id);
  volumes.erase(id);
  reply(c.to, Done{});
}

Result<std::vector<VolumeId>> EngineState::usable_volumes(const std::vector<std::string>& names,
                                                          const AccountId& owner) const {
  std::vector<VolumeId> ids;
  std::map<std::string, std::string> taken;  // data centre -> the volume that is there
  for (const std::string& name : names) {
    const NetworkVolume* known = owned_by(volumes, owner, name);
    if (!known) return fail(Errc::not_found, "Network volume not found");
    if (std::ranges::find(ids, known->id) != ids.end()) continue;
    const auto [place, first] = taken.try_emplace(known->data_center, name);
    if (!first) {
      return fail(Errc::invalid, "networkVolumeIds has " + place->second + " and " + name + ", both in data center \"" +
                                     place->first + "\"; one network volume for each data center is accepted");
    }
    ids.push_back(known->id);
  }
  return ids;
}

VolumeId EngineState::volume_at(const Endpoint& endpoint, const Placement& placement) const {
  const auto& nodes = fleet.nodes();
  const auto node = std::ranges::find(nodes, placement.node, &Node::name);
  for (const VolumeId& id : endpoint.volumes) {
    if (node != nodes.end() && volumes.at(id).data_center == data_center_of(*node)) return id;
  }
  return {};
}

// ---------------------------------------------------------------- secrets

void EngineState::on(SaveSecret& c) {
  Secret before;
  const bool creating = c.input.id.absent();
  if (creating) {
    if (static_cast<int>(secrets.size()) >= settings.secrets_max) {
      return reply_error(c.to, Errc::busy,
                         "this server keeps at most " + std::to_string(settings.secrets_max) + " secrets");
    }
    if (name_taken(secrets, c.owner, c.input.name)) {
      return reply_error(c.to, Errc::conflict, "secret names must be unique");
    }
    before.id = *SecretId::parse("c" + random_alphanumeric(random, 24));
    before.owner = c.owner;
    before.created = now;
  } else {
    const Secret* known = owned_by(secrets, c.owner, c.input.id.value());
    if (!known) return reply_error(c.to, Errc::not_found, "Secret not found");
    before = *known;
  }
  auto after = with_input(std::move(before), c.input, creating);
  if (!after) return reply(c.to, after.error());
  after->updated = now;
  reply(c.to, SecretReply{after->id});
  fx->records.push_back(SecretSaved{*after});
  if (creating) secret_order.push_back(after->id);
  secrets.insert_or_assign(after->id, std::move(*after));
}

void EngineState::on(DeleteSecret& c) {
  const Secret* known = owned_by(secrets, c.owner, c.id);
  if (!known) return reply_error(c.to, Errc::not_found, "Secret not found");
  const SecretId id = known->id;
  fx->records.push_back(SecretRemoved{id});
  std::erase(secret_order, id);
  secrets.erase(id);
  reply(c.to, Done{});
}

std::vector<SealedSecret> EngineState::secrets_for(const std::vector<EnvVar>& env, const AccountId& owner) const {
  std::vector<SealedSecret> out;
  for (const std::string& name : named_secrets(env)) {
    for (const auto& [id, secret] : secrets) {
      if (secret.owner == owner && secret.name == name) out.push_back({name, secret.sealed});
    }
  }
  return out;
}

// ---------------------------------------------------------------- registry credentials

void EngineState::on(SaveCredential& c) {
  RegistryCredential before;
  const bool creating = c.input.id.absent();
  if (creating) {
    if (static_cast<int>(credentials.size()) >= settings.credentials_max) {
      return reply_error(
          c.to, Errc::busy,
          "this server keeps at most " + std::to_string(settings.credentials_max) + " registry credentials");
    }
    if (name_taken(credentials, c.owner, c.input.name)) {
      return reply_error(c.to, Errc::conflict, "registry credential names must be unique");
    }
    before.id = *CredentialId::parse("c" + random_alphanumeric(random, 24));
    before.owner = c.owner;
    before.created = now;
  } else {
    const RegistryCredential* known = owned_by(credentials, c.owner, c.input.id.value());
    if (!known) return reply_error(c.to, Errc::not_found, "Registry credential not found");
    before = *known;
  }
  auto after = with_input(std::move(before), c.input, creating);
  if (!after) return reply(c.to, after.error());
  reply(c.to, CredentialReply{after->id});
  fx->records.push_back(CredentialSaved{*after});
  if (creating) credential_order.push_back(after->id);
  credentials.insert_or_assign(after->id, std::move(*after));
}

void EngineState::on(DeleteCredential& c) {
  const RegistryCredential* known = owned_by(credentials, c.owner, c.id);
  if (!known) return reply_error(c.to, Errc::not_found, "Registry credential not found");
  const CredentialId id = known->id;
  // No new release: running workers have their image already.
  for (auto& [template_id, value] : templates) {
    if (value.registry_auth_id != id.str()) continue;
    value.registry_auth_id.clear();
    fx->records.push_back(TemplateSaved{value});
  }
  fx->records.push_back(CredentialRemoved{id});
  std::erase(credential_order, id);
  credentials.erase(id);
  reply(c.to, Done{});
}

// ---------------------------------------------------------------- settings

void EngineState::on(UpdateSettings& c) {
  const auto found = accounts.find(c.owner);
  if (found == accounts.end()) return reply_error(c.to, Errc::not_found, "Account not found");
  if (!c.pub_key.has_value()) return reply(c.to, Done{});
  if (c.pub_key.value().size() > kPubKeyBytesMax) {
    return reply_error(c.to, Errc::invalid,
                       "pubKey has " + std::to_string(c.pub_key.value().size()) + " bytes; at most " +
                           std::to_string(kPubKeyBytesMax) + " are accepted");
  }
  found->second.pub_key = c.pub_key.value();
  fx->records.push_back(AccountSaved{found->second});
  reply(c.to, Done{});
}

}  // namespace penstock::core
