#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace penstock::net {

/// Looks host names up on threads of its own, because the system's look-up blocks and cannot be cut short. Names that
/// are asked for while they are being looked up share one look-up. Any thread may call it.
class Resolver {
 public:
  using Addresses = std::vector<std::string>;  // as text, in the order in which to try them
  using Done = std::function<void(Result<Addresses>)>;

  Resolver(int threads, std::size_t names_max);
  /// Waits for look-ups under way. Those still queued are dropped: their `done` is never called.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// `done` is called on a thread of the resolver; inside the call when more than `names_max` names wait. Errors:
  /// unavailable (no such name, no name server), busy.
  void look_up(const std::string& host, Done done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The look-up itself; blocks. Errors: unavailable.
Result<Resolver::Addresses> look_up_now(const std::string& host);

}  // namespace penstock::net
