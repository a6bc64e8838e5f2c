#pragma once

#include "base/error.h"
#include "core/control/inputs.h"
#include "graphql/input.h"

namespace penstock::api {

/// saveTemplate's input, and the inline template of saveEndpoint.
core::TemplateInput template_input(const graphql::Input& input);

/// saveEndpoint's input. Errors: not_implemented (what this server has no part for: a build from a repository, cloud
/// storage).
Result<core::EndpointInput> endpoint_input(const graphql::Input& input);

/// createNetworkVolume's and updateNetworkVolume's.
core::VolumeInput volume_input(const graphql::Input& input);

/// secretCreate's, secretValueUpdate's and secretDescriptionUpdate's, but for the value, which is the caller's to seal.
core::SecretInput secret_input(const graphql::Input& input);

/// updateUserSettings' only key.
core::Field<std::string> pub_key_input(const graphql::Input& input);

}  // namespace penstock::api
