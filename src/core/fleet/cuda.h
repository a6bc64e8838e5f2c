#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::core {

/// "12.4", "550.54.14": numbers separated by points, compared one by one; what is missing counts as 0.
using Version = std::vector<int>;
std::optional<Version> parse_version(std::string_view text);
/// Less than 0, 0 or more than 0.
int compare(const Version& a, const Version& b);

}  // namespace penstock::core
