#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "json/json.h"
#include "launch/scripted_workers.h"

namespace penstock::server {

/// What scripted workers do (docs/virtual-clock.md has the format of the file). It counts the starts and jobs of each
/// endpoint and draws times from a seed, so the same questions in the same order get the same answers.
class Script {
 public:
  /// A time, or one drawn between two.
  struct Range {
    Millis low{0};
    Millis high{0};
  };
  /// What a rule may change of a start or a job. What is not there stays as it is.
  struct Effects {
    std::optional<Range> loading;
    std::optional<std::string> start_failure;
    std::optional<int> crash_code;
    std::optional<Range> execution;
    std::optional<json::Value> output;
    std::optional<std::string> error;
    std::optional<int> death_code;
    std::optional<bool> hangs;
  };
  struct Rule {
    std::optional<std::int64_t> nth;    // that start or job of the endpoint alone, from 1
    std::optional<std::int64_t> every;  // each of that number
    json::Object input;                 // a job whose input has these members
    Effects effects;
  };
  struct Behaviour {
    Effects always;
    std::vector<Rule> starts;  // the first that fits decides
    std::vector<Rule> jobs;
  };

  /// Workers that start and work in no time and give their input back.
  Script() = default;

  /// Reads YAML. Errors: invalid (unreadable, unknown keys, values that do not fit), with file and line.
  static Result<Script> load(const std::string& file);
  static Result<Script> parse(const std::string& text, const std::string& file);

  /// The first instant of the clock.
  Time begin() const { return begin_; }

  launch::WorkerPlan plan_worker(const std::string& endpoint_name, const EndpointId& endpoint);
  launch::JobPlan plan_job(const std::string& endpoint_name, const EndpointId& endpoint, const core::HandOut& job);

 private:
  struct Counts {
    std::int64_t starts = 0;
    std::int64_t jobs = 0;
  };

  const Behaviour& behaviour_of(const std::string& name, const EndpointId& id) const;
  Millis draw(const std::optional<Range>& range);

  Time begin_ = from_ms(1'767'225'600'000);  // 2026-01-01T00:00:00Z
  SeededRandom random_{1};
  Behaviour all_;
  std::map<std::string, Behaviour> endpoints_;  // by name or id
  std::map<EndpointId, Counts> counts_;
};

}  // namespace penstock::server
