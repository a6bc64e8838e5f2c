#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/model/worker.h"

namespace penstock::core {

/// Percentiles of how long a phase took, over the latest starts that had it.
struct PhaseFigures {
  int samples = 0;
  Millis p50{0};
  Millis p95{0};
};

/// Cold starts of one kind. Each phase is counted from the decision, but for `job`, which is counted from the first
/// poll.
struct StartFigures {
  StartKind kind = StartKind::spawned;
  std::int64_t count = 0;  // of all that came to their first poll
  PhaseFigures placed;
  PhaseFigures launched;
  PhaseFigures up;
  PhaseFigures ready;  // the first poll: the cold start, as far as it is not the job's
  PhaseFigures job;
};

/// The cold starts of an endpoint: how many, and the phases of the latest kSamplesMax of each kind.
class StartHistory {
 public:
  static constexpr std::size_t kSamplesMax = 256;

  /// The worker polled for the first time.
  void add_ready(const WorkerStart& start);
  /// It got its first job.
  void add_job(const WorkerStart& start);

  /// Of each kind that there was.
  std::vector<StartFigures> figures() const;

 private:
  enum Phase { placed, launched, up, ready, job, phases };
  class Samples {
   public:
    void note(std::optional<Time> from, std::optional<Time> to);
    PhaseFigures figures() const;

   private:
    std::vector<Millis> latest_;  // in no order
    std::size_t oldest_ = 0;      // once there are kSamplesMax
  };
  struct Kind {
    std::int64_t count = 0;
    std::array<Samples, phases> samples;
  };

  Kind& kind(std::size_t place);

  std::array<std::unique_ptr<Kind>, 3> kinds_;  // spawned, forked, thawed; null before the first of them
};

}  // namespace penstock::core
