#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::bench {

/// One whole HTTP/1.1 message at the front of a buffer; the views point into it.
struct Message {
  std::string_view start_line;
  std::string_view body;
  std::size_t size = 0;  // head and body
};

/// Nothing while bytes are missing. Knows Content-Length only: the programs here send and expect nothing else.
std::optional<Message> read_message(std::string_view bytes);

/// The number in `HTTP/1.1 200 OK`; 0 when there is none.
int status_of(const Message& answer);

/// A request with the given body; GET and DELETE have none.
void append_request(std::string& out, std::string_view method, std::string_view target, std::string_view authorization,
                    std::string_view body);

void append_answer(std::string& out, std::string_view status, std::string_view body);

/// The text between the quotes of `"name":"..."`, first occurrence, escapes left alone; empty when absent. For answers
/// whose shape is known.
std::string_view text_member(std::string_view json, std::string_view name);

/// `http://127.0.0.1:PORT` -> PORT. Ends the program for anything else: load goes to this machine only.
int loopback_port(std::string_view url);

}  // namespace penstock::bench
