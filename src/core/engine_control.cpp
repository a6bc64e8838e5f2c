#include <algorithm>

#include "core/control/endpoint_rules.h"
#include "core/control/volume_rules.h"
#include "core/engine_state.h"
#include "core/fleet/releases.h"

namespace penstock::core {

void EngineState::on(SaveAccount& c) {
  fx->records.push_back(AccountSaved{c.account});
  accounts.insert_or_assign(c.account.id, c.account);
}

void EngineState::on(SaveApiKey& c) {
  fx->records.push_back(ApiKeySaved{c.key});
  std::erase_if(keys, [&](const auto& known) { return known.second.id == c.key.id; });
  keys.insert_or_assign(c.key.hash, c.key);
}

// ---------------------------------------------------------------- templates

/// The template that the input makes, not yet saved. `taken_message` says what to answer when the name is in use.
Result<Template> EngineState::checked_template(const AccountId& owner, const TemplateInput& input,
                                               std::string_view taken_message) {
  Template before;
  const bool creating = !input.id.has_value() || input.id.value().empty();
  if (creating) {
    if (static_cast<int>(templates.size()) >= settings.templates_max) {
      return fail(Errc::busy, "this server keeps at most " + std::to_string(settings.templates_max) + " templates");
    }
    before.id = *TemplateId::parse(random_alphanumeric(random, 10));
    before.owner = owner;
    before.created = now;
  } else {
    const auto id = TemplateId::parse(input.id.value());
    const auto found = id ? templates.find(*id) : templates.end();
    if (found == templates.end() || found->second.owner != owner) return fail(Errc::not_found, "Template not found");
    before = found->second;
  }
  auto after = with_input(before, input, creating, settings);
  if (!after) return after;
  if (const std::string& name = after->registry_auth_id; !name.empty() && name != before.registry_auth_id) {
    const auto id = CredentialId::parse(name);
    const auto found = id ? credentials.find(*id) : credentials.end();
    if (found == credentials.end() || found->second.owner != owner) {
      return fail(Errc::not_found, "Container registry credential \"" + name.substr(0, 200) + "\" not found");
    }
  }
  for (const auto& [id, other] : templates) {
    if (other.owner == owner && other.name == after->name && id != after->id) {
      return fail(Errc::conflict, std::string(taken_message));
    }
  }
  return after;
}

void EngineState::put_template(Template value) {
  fx->records.push_back(TemplateSaved{value});
  const auto found = templates.find(value.id);
  if (found == templates.end()) {
    template_order.push_back(value.id);
    templates.emplace(value.id, std::move(value));
    return;
  }
  const bool rolls = needs_release(found->second, value);
  const Template before = std::exchange(found->second, std::move(value));
  if (!rolls) return;
  for (EndpointEntry* entry : endpoint_order) {
    if (entry->endpoint.template_id != found->first) continue;
    bump_release(*entry);
    const ReleaseSettings former = settings_of(entry->endpoint, before);
    note_release(*entry, &former);
  }
}

void EngineState::on(SaveTemplate& c) {
  auto value = checked_template(c.owner, c.input, "template names must be unique");
  if (!value) return reply(c.to, value.error());
  reply(c.to, TemplateReply{value->id});
  put_template(std::move(*value));
}

void EngineState::on(DeleteTemplate& c) {
  const auto found = std::ranges::find_if(
      templates, [&](const auto& entry) { return entry.second.owner == c.owner && entry.second.name == c.name; });
  if (found == templates.end()) return reply_error(c.to, Errc::not_found, "Template not found");
  const bool used = std::ranges::any_of(
      endpoint_order, [&](const EndpointEntry* entry) { return entry->endpoint.template_id == found->first; });
  if (used) {
    return reply_error(c.to, Errc::conflict, "Template is in use by an endpoint or pod and cannot be deleted");
  }
  fx->records.push_back(TemplateRemoved{found->first});
  std::erase(template_order, found->first);
  templates.erase(found);
  reply(c.to, Done{});
}

// ---------------------------------------------------------------- endpoints

Result<TemplateId> EngineState::bindable_template(const std::string& text, const Endpoint& binder) const {
  const auto id = TemplateId::parse(text);
  const auto found = id ? templates.find(*id) : templates.end();
  const bool visible = found != templates.end() && (found->second.owner == binder.owner || found->second.is_public);
  if (!visible) return fail(Errc::not_found, "Template not found");
  if (!found->second.is_serverless) return fail(Errc::invalid, "Template is not a serverless template");
  const auto& bound = found->second.bound_endpoint;
  if (bound && *bound != binder.id && !settings.template_sharing) {
    return fail(Errc::conflict, "Template is already bound to another endpoint");
  }
  return *id;
}

/// Errc::internal with an empty message: within the quota.
Error EngineState::check_quota(const Endpoint& endpoint) const {
  int others = 0;
  for (const EndpointEntry* entry : endpoint_order) {
    const Endpoint& other = entry->endpoint;
    if (other.owner == endpoint.owner && other.id != endpoint.id) others += other.workers_max;
  }
  const int most = std::max(0, settings.workers_quota - others);
  if (endpoint.workers_max <= most) return {};
  return Error{Errc::busy, "Max workers across all endpoints must not exceed your workers quota (" +
                               std::to_string(settings.workers_quota) +
                               "). Reduce the max workers for other endpoints or lower the max worker count for this "
                               "endpoint to at most " +
                               std::to_string(most) + "."};
}

void EngineState::bind_template(const Endpoint& endpoint, const std::optional<TemplateId>& before) {
  if (before && *before != endpoint.template_id) {
    const auto old = templates.find(*before);
    if (old != templates.end() && old->second.bound_endpoint == endpoint.id) {
      old->second.bound_endpoint.reset();
      fx->records.push_back(TemplateSaved{old->second});
    }
  }
  Template& value = templates.at(endpoint.template_id);
  if (!endpoint.binds_template || value.bound_endpoint == endpoint.id) return;
  value.bound_endpoint = endpoint.id;
  fx->records.push_back(TemplateSaved{value});
}

void EngineState::bump_release(EndpointEntry& entry) {
  ++entry.endpoint.version;
  forgive_crashes(entry);
  put_endpoint(entry);
}

/// A new release may have cured what made workers crash, so its first one starts at once.
void EngineState::forgive_crashes(EndpointEntry& entry) {
  entry.crashes_in_a_row = 0;
  entry.backoff_until.reset();
}

void EngineState::put_endpoint(EndpointEntry& entry) {
  entry.endpoint.revision = {++last_revision};
  fx->records.push_back(EndpointSaved{entry.endpoint});
  touch(entry);
}

void EngineState::on(SaveEndpoint& c) {
  const EndpointInput& in = c.input;
  const bool creating = !in.id.has_value() || in.id.value().empty();
  EndpointEntry* existing = nullptr;
  Endpoint before;
  if (creating) {
    if (static_cast<int>(endpoints.size()) >= settings.endpoints_max) {
      return reply_error(c.to, Errc::busy,
                         "this server keeps at most " + std::to_string(settings.endpoints_max) + " endpoints");
    }
    before.owner = c.owner;
    before.created = now;
    before.id = *EndpointId::parse(random_alphanumeric(random, 14));
  } else {
    const auto id = EndpointId::parse(in.id.value());
    const auto found = id ? endpoints.find(*id) : endpoints.end();
    if (found == endpoints.end() || found->second->endpoint.owner != c.owner) {
      return reply_error(c.to, Errc::not_found, "Endpoint not found");
    }
    existing = found->second.get();
    before = existing->endpoint;
  }
  auto after = with_input(before, in, creating, settings);
  if (!after) return reply(c.to, after.error());
  if (const auto names = named_volumes(in)) {
    auto usable = usable_volumes(*names, c.owner);
    if (!usable) return reply(c.to, usable.error());
    after->volumes = std::move(*usable);
  }

  const bool names_template = in.template_id.has_value() && !in.template_id.value().empty();
  if (names_template && in.new_template) {
    return reply_error(c.to, Errc::invalid, "Provide either templateId or template, not both");
  }
  if (creating && !names_template && !in.new_template) {
    return reply_error(c.to, Errc::invalid, "templateId is required");
  }
  std::optional<Template> made;
  if (names_template) {
    auto bindable = bindable_template(in.template_id.value(), before);
    if (!bindable) return reply(c.to, bindable.error());
    after->template_id = *bindable;
  } else if (in.new_template) {
    TemplateInput input = *in.new_template;
    input.is_serverless = true;
    auto value = checked_template(c.owner, input, "endpoint template names must be unique");
    if (!value) return reply(c.to, value.error());
    after->template_id = value->id;
    made = std::move(*value);
  }
  if (Error error = check_quota(*after); !error.message.empty()) return reply(c.to, std::move(error));

  if (made) put_template(std::move(*made));
  reply(c.to, EndpointReply{after->id});
  if (existing) {
    const bool rolls = needs_release(before, *after);
    const ReleaseSettings former = settings_now(*existing);
    if (rolls) {
      ++after->version;
      forgive_crashes(*existing);
    }
    existing->endpoint = std::move(*after);
    put_endpoint(*existing);
    if (rolls) note_release(*existing, &former);
    bind_template(existing->endpoint, before.template_id);
    return;
  }
  auto entry = std::make_unique<EndpointEntry>(timers);
  entry->endpoint = std::move(*after);
  EndpointEntry& added = *entry;
  added.last_request = now;
  endpoint_order.push_back(&added);
  endpoints.emplace(added.endpoint.id, std::move(entry));
  put_endpoint(added);
  note_release(added, nullptr);
  bind_template(added.endpoint, std::nullopt);
}

void EngineState::on(UpdateEndpointTemplate& c) {
  const auto id = EndpointId::parse(c.endpoint);
  const auto found = id ? endpoints.find(*id) : endpoints.end();
  if (found == endpoints.end() || found->second->endpoint.owner != c.owner) {
    return reply_error(c.to, Errc::not_found, "Endpoint not found");
  }
  EndpointEntry& entry = *found->second;
  auto bindable = bindable_template(c.template_id, entry.endpoint);
  if (!bindable) return reply(c.to, bindable.error());
  const TemplateId before = entry.endpoint.template_id;
  const ReleaseSettings former = settings_now(entry);
  entry.endpoint.template_id = *bindable;
  if (before != *bindable) {
    bump_release(entry);
    note_release(entry, &former);
  }
  bind_template(entry.endpoint, before);
  reply(c.to, EndpointReply{entry.endpoint.id});
}

void EngineState::on(DeleteEndpoint& c) {
  const auto id = EndpointId::parse(c.id);
  const auto found = id ? endpoints.find(*id) : endpoints.end();
  if (found == endpoints.end() || found->second->endpoint.owner != c.owner) {
    return reply_error(c.to, Errc::not_found, "Endpoint not found");
  }
  EndpointEntry& entry = *found->second;
  const bool asks_for_workers = entry.endpoint.workers_min != 0 || entry.endpoint.workers_max != 0;
  if (settings.delete_requires_zero_workers && asks_for_workers) {
    return reply_error(c.to, Errc::conflict, "Endpoint min and max workers must both be 0 before it can be deleted");
  }
  std::vector<JobEntry*> jobs;
  for (const auto& [job_id, job] : entry.jobs) {
    if (!is_terminal(job->state.status)) jobs.push_back(job.get());
  }
  std::ranges::sort(jobs, {}, [](const JobEntry* job) { return job->request.id; });
  for (JobEntry* job : jobs) finalise(*job, JobStatus::cancelled, nullptr, std::nullopt);
  const std::vector<WorkerEntry*> staff = entry.workers;
  for (WorkerEntry* worker : staff) {
    if (worker->worker.external) {
      forget_worker(*worker);
    } else {
      drain(*worker, "its endpoint was deleted");
      if (!worker->stop_sent)
        send_stop(*worker, settings.stop_grace);  // it drained already, and its jobs have just ended
      worker->endpoint = nullptr;
    }
  }
  save_usage(meters.take_changed(entry.endpoint.id, now));
  if (budgets.erase(std::pair(entry.endpoint.owner, entry.endpoint.id)) > 0) {
    fx->records.push_back(BudgetSaved{Budget{entry.endpoint.owner, entry.endpoint.id, std::nullopt}});
  }
  for (auto it = residents.begin(); it != residents.end();) {
    JobEntry& job = *it++;
    if (&job.endpoint == &entry) let_go(job);
  }
  Template& value = templates.at(entry.endpoint.template_id);
  if (value.bound_endpoint == entry.endpoint.id) {
    value.bound_endpoint.reset();
    fx->records.push_back(TemplateSaved{value});
  }
  fx->records.push_back(EndpointRemoved{entry.endpoint.id});
  leave_line(entry);
  std::erase(endpoint_order, &entry);
  for (auto* list : {&with_chances, &dirty}) std::ranges::replace(*list, &entry, static_cast<EndpointEntry*>(nullptr));
  endpoints.erase(found);
  reply(c.to, Done{});
}

}  // namespace penstock::core
