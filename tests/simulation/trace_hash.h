#pragma once

#include <cstdint>
#include <string_view>

#include "core/outcomes.h"

namespace penstock::simulation {

/// A fingerprint of everything that the engine ever wanted done, in order: two runs of one seed must agree on it.
class TraceHash {
 public:
  void add(Time now, const core::Effects& effects);
  std::uint64_t value() const { return value_; }

 private:
  void number(std::uint64_t n);
  void text(std::string_view t);
  void payload(const core::Bytes& bytes);
  void state(const core::JobState& s);
  void worker(const core::Worker& w);
  void delivery(const core::DeliveryState& s);
  void view(const core::JobView& v);
  void wait(const std::optional<core::WaitReason>& w);
  void record(const core::Record& r);
  void reply(const core::Reply& r);
  void order(const core::LaunchOrder& o);

  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace penstock::simulation
