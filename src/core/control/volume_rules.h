#pragma once

#include <vector>

#include "base/error.h"
#include "core/control/inputs.h"
#include "core/fleet/fleet.h"
#include "core/model/volume.h"

namespace penstock::core {

/// Applies a createNetworkVolume or updateNetworkVolume and checks the outcome (contract/control-plane 2.8, B19, D6).
/// Errors: invalid, not_found (the data centre is not one of this server).
Result<NetworkVolume> with_input(NetworkVolume volume, const VolumeInput& input, bool creating, const Fleet& fleet);

/// What saveEndpoint's networkVolumeId and networkVolumeIds say together: the list wins when it names something.
/// Nothing when both are absent.
std::optional<std::vector<std::string>> named_volumes(const EndpointInput& input);

}  // namespace penstock::core
