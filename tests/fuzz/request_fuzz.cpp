#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/request_reader.h"
#include "net/target.h"

using namespace penstock;
using State = net::RequestReader::State;

namespace {

// Gives the reader the bytes in pieces of one size; what it did not take comes again.
void feed(net::RequestReader& reader, std::string_view bytes, std::size_t piece) {
  std::size_t start = 0;
  for (std::size_t end = piece;; end += piece) {
    start += reader.put(bytes.substr(start, std::min(end, bytes.size()) - start));
    if (reader.state() == State::complete || reader.state() == State::refused || end >= bytes.size()) return;
  }
}

/// Another parser that takes the same bytes must see the same request: where two disagree, one can be smuggled past
/// them.
void compare(std::string_view text, const net::Request& ours) {
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  parser.eager(true);
  boost::system::error_code ec;
  std::size_t used = std::min(text.find_first_not_of("\r\n"), text.size());
  while (!ec && !parser.is_done() && used < text.size()) {
    const std::size_t taken = parser.put(boost::asio::buffer(text.data() + used, text.size() - used), ec);
    if (taken == 0) break;
    used += taken;
  }
  if (!parser.is_done()) return;  // it is stricter about a list of words in Connection, for one
  const auto& theirs = parser.get();
  ENSURE(ours.method == std::string_view(theirs.method_string().data(), theirs.method_string().size()));
  std::string path;
  net::Fields query;
  ENSURE(net::split_target({theirs.target().data(), theirs.target().size()}, path, query));
  ENSURE(ours.path == path && ours.query == query);
  ENSURE(ours.body == theirs.body());
}

}  // namespace

// The first byte is the size of the pieces, the rest a request. However it arrives, a request that is complete is the
// same; limits hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  net::HttpLimits limits;
  limits.header_bytes_max = 300;
  limits.body_bytes_max = 100;
  const net::HttpServer::BodyLimit no_limit;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  net::RequestReader whole(limits, no_limit);
  net::RequestReader pieces(limits, no_limit);
  feed(whole, text, std::max<std::size_t>(text.size(), 1));
  feed(pieces, text, data[0] + 1U);
  if (whole.state() == State::refused) ENSURE(whole.refusal().status >= 400);
  ENSURE((whole.state() == State::complete) == (pieces.state() == State::complete));
  if (whole.state() != State::complete) return 0;
  const net::Request& one = whole.request();
  const net::Request& other = pieces.request();
  ENSURE(one.method == other.method && one.path == other.path && one.query == other.query &&
         one.headers == other.headers);
  ENSURE(one.body == other.body && one.body.size() <= limits.body_bytes_max);
  compare(text, one);
  return 0;
}
