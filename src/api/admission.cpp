#include "api/admission.h"

#include <fmt/format.h>

#include <memory>

namespace penstock::api {

std::optional<Admission::Refusal> Admission::admit(const EndpointId& endpoint, core::Operation operation,
                                                   net::Responder& responder) {
  const auto running = [&] {
    const auto health = core_.engine().health(endpoint);
    return health ? health->running : 0;
  };
  const auto refused = limiter_.enter(core_.now(), endpoint, operation, running);
  if (!refused) {
    if (limiter_.limits().of(operation).concurrent == 0) return std::nullopt;
    responder.keep(
        std::shared_ptr<void>(nullptr, [this, endpoint, operation](void*) { limiter_.leave(endpoint, operation); }));
    return std::nullopt;
  }
  const auto window_s = limiter_.limits().window.count() / 1'000;
  const int seconds = static_cast<int>((refused->retry_after.count() + 999) / 1'000);
  const std::string name(core::to_text(operation));
  std::string most = refused->concurrent
                         ? fmt::format("{} at a time (limits.{}_concurrent)", refused->limit, name)
                         : fmt::format("{} in {} s (limits.{}_per_10s)", refused->limit, window_s, name);
  return Refusal{"too many requests to this endpoint: it takes " + std::move(most) + "; try again in " +
                     std::to_string(seconds) + " s",
                 seconds};
}

}  // namespace penstock::api
