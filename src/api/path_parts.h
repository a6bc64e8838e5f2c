#pragma once

#include <boost/container/small_vector.hpp>
#include <span>
#include <string_view>

namespace penstock::api {

/// The parts of a path between slashes, or the last ones of them.
using PathParts = std::span<const std::string_view>;

/// All of them, without memory of their own for any path that a route has. A trailing slash adds none.
boost::container::small_vector<std::string_view, 8> path_parts(std::string_view path);

}  // namespace penstock::api
