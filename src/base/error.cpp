#include "base/error.h"

#include <cstdio>

namespace penstock {

int http_status(Errc code) noexcept {
  switch (code) {
    case Errc::invalid:
      return 400;
    case Errc::unauthenticated:
      return 401;
    case Errc::forbidden:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::conflict:
      return 400;  // contract/data-plane 1.5: /retry in a wrong state is 400
    case Errc::key_reused:
      return 422;
    case Errc::too_large:
      return 413;
    case Errc::busy:
      return 429;
    case Errc::unavailable:
      return 503;
    case Errc::no_space:
      return 507;
    case Errc::not_implemented:
      return 501;
    case Errc::internal:
      return 500;
  }
  return 500;
}

void ensure_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "penstock: bug: %s is false at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace penstock
