#pragma once

#include <map>
#include <vector>

#include "core/engine.h"
#include "ledger.h"

namespace penstock::simulation {

/// Holds every reason that the engine gives for a job that waits against what the ledger knows: it must be true now,
/// and have begun when it says. Throws Violation.
class WaitCheck {
 public:
  WaitCheck(const core::EngineSettings& settings, std::vector<core::Node> nodes, const Ledger& ledger)
      : settings_(settings), nodes_(std::move(nodes)), ledger_(ledger) {}

  /// Those of the answers of one command.
  void see(Time now, const core::Effects& effects);
  void see(Time now, const JobId& id, const core::WaitReason& wait);
  /// Of every job that has not ended.
  void see_all(Time now, const core::Engine& engine);

  /// How often each reason was given.
  const std::map<core::WaitCode, int>& given() const { return given_; }

 private:
  struct Told {
    core::WaitCode code;
    Time since{};
    Time at{};
  };

  void check_truth(Time now, const JobShadow& job, const core::WaitReason& wait) const;
  void check_since(Time now, const JobId& id, const core::WaitReason& wait);

  const core::EngineSettings& settings_;
  std::vector<core::Node> nodes_;
  const Ledger& ledger_;
  std::map<JobId, Told> told_;
  std::map<core::WaitCode, int> given_;
};

}  // namespace penstock::simulation
