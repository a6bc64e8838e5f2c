#include "core/control/volume_rules.h"

#include <algorithm>

#include "base/text.h"
#include "core/control/catalogue.h"
#include "core/control/checks.h"

namespace penstock::core {
namespace {

constexpr int kSizeMax = 4'096;

}  // namespace

Result<NetworkVolume> with_input(NetworkVolume volume, const VolumeInput& in, bool creating, const Fleet& fleet) {
  Checks checks;
  in.name.keep_or(volume.name);
  checks.require(!trim(volume.name).empty(), "name is required: the name of a network volume must not be empty");
  checks.require(volume.name.size() <= 191, "name has " + std::to_string(volume.name.size()) +
                                                " bytes; at most 191 are accepted for a network volume");
  if (in.size_gb.has_value()) {
    checks.range("size", in.size_gb.value(), 1, kSizeMax);
    checks.require(creating || in.size_gb.value() >= volume.size_gb, "Network volume size cannot be reduced");
    if (!checks.failed()) volume.size_gb = static_cast<int>(in.size_gb.value());
  } else if (creating) {
    checks.require(false, "size is required: a whole number of GB from 1 to " + std::to_string(kSizeMax));
  }
  if (creating) {
    volume.data_center = in.data_center;
    checks.require(
        find_data_center(fleet, volume.data_center).has_value(),
        "Data center \"" + volume.data_center.substr(0, 200) + "\" not found or does not support network volumes",
        Errc::not_found);
  }
  if (checks.failed()) return tl::unexpected<Error>(*checks.failed());
  return volume;
}

std::optional<std::vector<std::string>> named_volumes(const EndpointInput& in) {
  if (in.volume_id.absent() && in.volume_ids.absent()) return std::nullopt;
  std::vector<std::string> names;
  if (in.volume_ids.has_value()) names = in.volume_ids.value();
  std::erase(names, "");
  if (names.empty() && in.volume_id.has_value() && !in.volume_id.value().empty()) names = {in.volume_id.value()};
  return names;
}

}  // namespace penstock::core
