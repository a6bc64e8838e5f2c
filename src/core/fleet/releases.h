#pragma once

#include "base/error.h"
#include "core/model/release.h"

namespace penstock::core {

ReleaseSettings settings_of(const Endpoint& endpoint, const Template& value);

/// What `after` has otherwise than `before`, in the words of the APIs.
std::vector<SettingChange> changes_between(const ReleaseSettings& before, const ReleaseSettings& after);

/// Puts the settings of a release back: into the endpoint, and into its template.
void put_back(const ReleaseSettings& settings, Endpoint& endpoint);
void put_back(const ReleaseSettings& settings, Template& value);

}  // namespace penstock::core
