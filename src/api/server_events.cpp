#include "api/server_events.h"

#include <algorithm>
#include <cctype>

#include "api/answers.h"
#include "base/text.h"

namespace penstock::api {

net::Response events_head() {
  net::Response head;
  head.content_type = "text/event-stream; charset=utf-8";
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.any_origin = true;
  return head;
}

std::string event_text(std::string_view name, std::string_view id, std::string_view data) {
  std::string out;
  out.reserve(data.size() + name.size() + id.size() + 32);
  if (!name.empty()) out.append("event: ").append(name) += '\n';
  if (!id.empty()) out.append("id: ").append(id) += '\n';
  for (std::size_t at = 0; at <= data.size();) {
    const std::size_t end = std::min(data.find_first_of("\r\n", at), data.size());
    out.append("data: ").append(data.substr(at, end - at)) += '\n';
    at = data.substr(std::min(end, data.size())).starts_with("\r\n") ? end + 2 : end + 1;
  }
  return out += '\n';
}

bool wants_events(const net::Request& request) {
  for (const std::string_view range : split_list(request.header("accept"), ',')) {
    std::string type(trim(range.substr(0, range.find(';'))));
    std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (type == "text/event-stream") return true;
    if (type == "application/json") return false;
  }
  return false;
}

}  // namespace penstock::api
