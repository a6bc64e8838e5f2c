#pragma once

#include "core/commands.h"
#include "core/outcomes.h"

namespace penstock::simulation {

/// Prints what a command was and what came of it, for a person who looks into one seed.
void narrate(Time now, const core::Command* command, const core::Effects& effects);

}  // namespace penstock::simulation
