#include "core/fleet/cuda.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "core/fleet/fleet.h"

namespace penstock::core {
namespace {

const std::string* value_of(const std::vector<EnvVar>& env, std::string_view key) {
  const auto found = std::ranges::find(env, key, &EnvVar::key);
  return found == env.end() ? nullptr : &found->value;
}

/// As the container toolkit names them: tesla are the data centre's.
std::string_view brand_of(std::string_view gpu_type) {
  if (gpu_type.find("GeForce") != std::string_view::npos) return "geforce";
  if (gpu_type.find("RTX") != std::string_view::npos) return "nvidiartx";
  return "tesla";
}

bool holds(std::string_view relation, int order) {
  if (relation == "=" || relation == "==") return order == 0;
  if (relation == "!=") return order != 0;
  if (relation == ">=") return order >= 0;
  if (relation == "<=") return order <= 0;
  return relation == ">" ? order > 0 : relation == "<" && order < 0;
}

/// One condition: `cuda>=12.4`, `driver<471`, `brand=tesla`.
bool condition_holds(std::string_view condition, const Node& node, std::string_view gpu_type) {
  const auto at = condition.find_first_of("=!<>");
  if (at == std::string_view::npos) return false;
  const auto end = std::min(condition.find_first_not_of("=!<>", at), condition.size());
  const auto subject = condition.substr(0, at);
  const auto relation = condition.substr(at, end - at);
  const auto value = condition.substr(end);
  if (subject == "brand") return holds(relation, value == brand_of(gpu_type) ? 0 : 1);
  if (subject != "cuda" && subject != "driver") return false;
  const auto here = parse_version(subject == "cuda" ? node.cuda_version : node.driver_version);
  const auto wanted = parse_version(value);
  if (!here || !wanted) return false;
  return holds(relation, compare(*here, *wanted));
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  Version out;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (true) {
    int number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc{} || number < 0) return std::nullopt;
    out.push_back(number);
    if (parsed.ptr == end) return out;
    if (*parsed.ptr != '.') return std::nullopt;
    at = parsed.ptr + 1;
  }
}

int compare(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const int left = i < a.size() ? a[i] : 0;
    const int right = i < b.size() ? b[i] : 0;
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

std::optional<Version> lowest_version(std::string_view list) {
  std::optional<Version> lowest;
  for (const auto part : split_list(list, ',')) {
    auto version = parse_version(part);
    if (!version) return std::nullopt;
    if (!lowest || compare(*version, *lowest) < 0) lowest = std::move(version);
  }
  return lowest;
}

CudaWish cuda_wish(const std::optional<std::string>& min_version, const std::optional<std::string>& allowed_versions,
                   const std::vector<EnvVar>& env) {
  CudaWish wish;
  for (const auto& list : {min_version, allowed_versions}) {
    auto lowest = list ? lowest_version(*list) : std::nullopt;
    if (lowest && compare(*lowest, wish.floor) > 0) wish.floor = std::move(*lowest);
  }
  const std::string* off = value_of(env, "NVIDIA_DISABLE_REQUIRE");
  const std::string* require = value_of(env, "NVIDIA_REQUIRE_CUDA");
  if (require && (!off || off->empty() || *off == "0" || *off == "false")) wish.require = trim(*require);
  return wish;
}

bool meets_requirement(std::string_view require, const Node& node, std::string_view gpu_type) {
  const auto alternatives = split_list(require, ' ');
  return std::ranges::any_of(alternatives, [&](std::string_view alternative) {
    const auto conditions = split_list(alternative, ',');
    return std::ranges::all_of(conditions, [&](std::string_view one) { return condition_holds(one, node, gpu_type); });
  });
}

bool runs(const Node& node, std::string_view gpu_type, const CudaWish& wish) {
  if (node.cuda_version.empty()) return true;
  const auto here = parse_version(node.cuda_version);
  if (here && compare(*here, wish.floor) < 0) return false;
  return wish.require.empty() || meets_requirement(wish.require, node, gpu_type);
}

std::string to_text(const CudaWish& wish) {
  std::string text;
  if (!wish.floor.empty()) {
    std::vector<std::string> numbers;
    for (const int number : wish.floor) numbers.push_back(std::to_string(number));
    text = "CUDA " + join(numbers, ".") + " or newer";
  }
  if (!wish.require.empty()) text += (text.empty() ? "" : " and ") + ("NVIDIA_REQUIRE_CUDA=" + wish.require);
  return text;
}

}  // namespace penstock::core
