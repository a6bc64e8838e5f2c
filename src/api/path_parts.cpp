#include "api/path_parts.h"

namespace penstock::api {

boost::container::small_vector<std::string_view, 8> path_parts(std::string_view path) {
  boost::container::small_vector<std::string_view, 8> parts;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const auto end = path.find('/');
    parts.push_back(path.substr(0, end));
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return parts;
}

}  // namespace penstock::api
