#pragma once

#include <string>

#include "core/usage/meters.h"

namespace penstock::core {

bool is_used_up(const Budget& budget, const Spent& spent);

/// How long it lasts at this pace; none: for ever, or it is used up.
std::optional<Millis> lasts_for(const Budget& budget, const Spent& spent, const UsageMeters::Pace& pace);

/// "the endpoint's budget of 3600 GPU-seconds a day is used up".
std::string in_words(const Budget& budget);

}  // namespace penstock::core
