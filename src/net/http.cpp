#include "net/http.h"

#include "base/text.h"

namespace penstock::net {
namespace {

constexpr std::size_t kKeptBytes = 4 * 1024;

void clear(std::string& text) {
  text.clear();
  give_back_above(kKeptBytes, text);
}

}  // namespace

void Request::clear() {
  net::clear(method);
  net::clear(path);
  query.clear();
  headers.clear();
  net::clear(body);
  spooled = nullptr;
  net::clear(peer);
}

}  // namespace penstock::net
