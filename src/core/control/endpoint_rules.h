#pragma once

#include "base/error.h"
#include "core/control/inputs.h"
#include "core/model/endpoint.h"
#include "core/settings.h"

namespace penstock::core {

/// Applies what a saveEndpoint says to an endpoint and checks the outcome: everything that needs no other object
/// (contract/control-plane 2.1, 2.3, 2.4; messages 1.3 B1 to B3, B13, B14). `creating` starts from defaults; otherwise
/// keys that are absent keep what is stored, or go back to their defaults where the settings ask for that (D1). Errors:
/// invalid, not_implemented. Volumes and templates, which are other objects, are the engine's to check.
Result<Endpoint> with_input(Endpoint endpoint, const EndpointInput& input, bool creating,
                            const EngineSettings& settings);

/// Whether the change from `before` to `after` needs fresh workers (2.2).
bool needs_release(const Endpoint& before, const Endpoint& after);

/// The same for the template of an endpoint.
bool needs_release(const Template& before, const Template& after);

/// Applies a saveTemplate and checks the outcome, as above (2.8). Errors: invalid, forbidden (a process image where the
/// settings do not allow one).
Result<Template> with_input(Template value, const TemplateInput& input, bool creating, const EngineSettings& settings);

}  // namespace penstock::core
