#include "core/settings.h"

namespace penstock::core {

/// In US dollars, near what GPUs of these pools are rented for by the hour: figures to begin with, for an operator to
/// replace by what theirs cost.
std::map<std::string, std::int64_t, std::less<>> EngineSettings::default_prices() {
  return {{"AMPERE_16", 580'000},      {"AMPERE_24", 690'000},       {"ADA_24", 1'100'000},
          {"ADA_32_PRO", 1'580'000},   {"AMPERE_48", 1'220'000},     {"ADA_48_PRO", 1'900'000},
          {"AMPERE_80", 2'720'000},    {"ADA_80_PRO", 4'180'000},    {"HOPPER_141", 5'580'000},
          {"BLACKWELL_96", 4'000'000}, {"BLACKWELL_180", 8'640'000}, {"CPU", 50'000}};
}

}  // namespace penstock::core
