#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace penstock::net {

/// What the connection will do after this answer, as the client must be told it.
enum class After { keep_open, keep_open_http_1_0, close };

/// True when an answer with this status has neither body nor headers about one.
bool is_bodiless(int status);

/// How the client learns where the body ends: by Content-Length, by chunks, or by the end of the connection.
enum class Framing { length, chunked, until_close };

/// Adds status line and headers, with the empty line. Line breaks in header values become spaces.
void append_response_head(std::string& to, const Response& response, After after, Framing framing = Framing::length);

/// `{"error":"..."}`. The message is our own text: it may hold quotes, but no control characters.
Response error_response(int status, std::string_view message);

}  // namespace penstock::net
