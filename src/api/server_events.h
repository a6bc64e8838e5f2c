#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace penstock::api {

/// The head of an answer that is a stream of server-sent events.
net::Response events_head();

/// One server-sent event, as it is written. An empty `name` or `id` is left out. `data` may have line breaks.
std::string event_text(std::string_view name, std::string_view id, std::string_view data);

/// A comment: says nothing, so that whoever is between does not take the connection for dead.
inline constexpr std::string_view kEventHeartbeat = ":\n\n";

/// Whether the client asks for events: its Accept names text/event-stream, and not application/json before it.
bool wants_events(const net::Request& request);

}  // namespace penstock::api
