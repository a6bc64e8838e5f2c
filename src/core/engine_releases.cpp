#include <algorithm>

#include "core/control/endpoint_rules.h"
#include "core/engine_state.h"
#include "core/fleet/releases.h"

namespace penstock::core {

ReleaseSettings EngineState::settings_now(const EndpointEntry& entry) const {
  return settings_of(entry.endpoint, templates.at(entry.endpoint.template_id));
}

/// The endpoint's version as it is now. `before`: what the version before ran; null when there was none, or nobody
/// knows.
void EngineState::note_release(const EndpointEntry& entry, const ReleaseSettings* before,
                               std::optional<int> rollback_of) {
  Release release;
  release.endpoint = entry.endpoint.id;
  release.version = entry.endpoint.version;
  release.created = now;
  release.rollback_of = rollback_of;
  release.settings = settings_now(entry);
  if (before) release.changes = changes_between(*before, release.settings);
  fx->records.push_back(ReleaseSaved{std::move(release)});
}

/// Endpoints of an older data directory have no releases on record: what they run now is the first.
void EngineState::restore_releases(const std::vector<std::pair<EndpointId, int>>& newest) {
  std::unordered_map<EndpointId, int> known(newest.begin(), newest.end());
  for (const EndpointEntry* entry : endpoint_order) {
    const auto found = known.find(entry->endpoint.id);
    if (found == known.end() || found->second < entry->endpoint.version) note_release(*entry, nullptr);
  }
}

/// The template that the release ran, as it ran it. Errors: conflict.
Result<Template> EngineState::template_for(const Release& release, const Endpoint& endpoint) const {
  const ReleaseSettings& wanted = release.settings;
  const auto refuse = [&](const std::string& why) {
    return fail(Errc::conflict, "release " + std::to_string(release.version) + " cannot run again: " + why);
  };
  const auto found = templates.find(wanted.template_id);
  if (found == templates.end()) return refuse("its template \"" + wanted.template_id.str() + "\" was deleted");
  if (wanted.template_id != endpoint.template_id) {
    const auto bindable = bindable_template(wanted.template_id.str(), endpoint);
    if (!bindable) return refuse("its template \"" + wanted.template_id.str() + "\": " + bindable.error().message);
  }
  Template value = found->second;
  put_back(wanted, value);
  if (needs_release(found->second, value) && value.owner != endpoint.owner) {
    return refuse("its template is another account's and was changed since");
  }
  for (const VolumeId& id : wanted.volumes) {
    if (!volumes.contains(id)) return refuse("its network volume \"" + id.str() + "\" was deleted");
  }
  const auto credential = CredentialId::parse(wanted.registry_auth_id);
  if (!wanted.registry_auth_id.empty() && (!credential || !credentials.contains(*credential))) {
    return refuse("its container registry credential \"" + wanted.registry_auth_id + "\" was deleted");
  }
  return value;
}

void EngineState::on(RollBack& c) {
  const auto found = endpoints.find(c.release.endpoint);
  if (found == endpoints.end() || found->second->endpoint.owner != c.owner) {
    return reply_error(c.to, Errc::not_found, "endpoint \"" + c.release.endpoint.str() + "\" not found");
  }
  EndpointEntry& entry = *found->second;
  auto value = template_for(c.release, entry.endpoint);
  if (!value) return reply(c.to, value.error());
  const ReleaseSettings before = settings_now(entry);
  if (c.release.settings == before) {
    return reply_error(c.to, Errc::conflict,
                       "release " + std::to_string(entry.endpoint.version) + " already runs what release " +
                           std::to_string(c.release.version) + " ran");
  }
  Template& current = templates.at(value->id);
  if (needs_release(current, *value)) {
    const Template changed_from = std::exchange(current, std::move(*value));
    fx->records.push_back(TemplateSaved{current});
    for (EndpointEntry* other : endpoint_order) {
      if (other == &entry || other->endpoint.template_id != current.id) continue;
      const ReleaseSettings former = settings_of(other->endpoint, changed_from);
      bump_release(*other);
      note_release(*other, &former);
    }
  }
  const TemplateId template_before = entry.endpoint.template_id;
  put_back(c.release.settings, entry.endpoint);
  bump_release(entry);
  bind_template(entry.endpoint, template_before);
  note_release(entry, &before, c.release.version);
  reply(c.to, EndpointReply{entry.endpoint.id});
}

}  // namespace penstock::core
