#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace penstock {

/// One value per distinct reaction of a caller; everything else about an error is text.
enum class Errc {
  invalid,          // the request is wrong; sending it again will not help
  unauthenticated,  // no key, or one that was never valid
  forbidden,        // a valid key that may not do this
  not_found,
  conflict,    // right in itself, but not in the present state
  key_reused,  // an idempotency key that stands for another request
  too_large,
  busy,         // a limit is reached; later may help
  unavailable,  // this server cannot do it now (starting, stopping, storage)
  no_space,     // the disk has no room for anything new; work that was accepted goes on
  not_implemented,
  internal,  // a bug or a lost resource
};

/// A refusal: what was wrong, with which value, and what would be accepted.
struct Error {
  Errc code = Errc::internal;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The HTTP status that answers each kind of refusal on the job and REST surfaces.
int http_status(Errc code) noexcept;

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace penstock

/// Always on. For what only a bug in this program can break, never for input.
#define ENSURE(condition) \
  ((condition) ? static_cast<void>(0) : ::penstock::ensure_failed(#condition, __FILE__, __LINE__))
