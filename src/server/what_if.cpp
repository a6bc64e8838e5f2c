#include "server/what_if.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>

#include "base/number.h"
#include "base/random.h"
#include "base/text.h"
#include "core/control/gpu_pools.h"
#include "core/engine.h"
#include "core/model/usage.h"
#include "launch/scripted_workers.h"

namespace penstock::server {
namespace {

constexpr std::string_view kSettings[] = {"scalerType", "scalerValue", "workersMin", "workersMax", "idleTimeout"};
constexpr int kGpus = 1'000;          // as many as workersMax may be
constexpr Millis kSettle{3'600'000};  // after the last arrival at most

std::vector<core::Node> one_node() {
  core::Node node;
  node.name = "simulated";
  for (int i = 0; i < kGpus; ++i) node.gpus.push_back({i, "simulated", "ADA_24"});
  return {node};
}

Result<core::EndpointInput> endpoint_input(const ScalingSettings& settings) {
  core::EndpointInput input;
  input.name = "simulated";
  input.gpu_ids = std::string("ADA_24");
  core::TemplateInput value;
  value.name = "simulated";
  value.image = std::string("simulated:1");
  input.new_template = value;
  for (const auto& [name, text] : settings) {
    if (name == "scalerType") {
      input.scaler_type = text;
      continue;
    }
    const auto number = parse_number<std::int64_t>(text);
    if (!number) return fail(Errc::invalid, name + " is \"" + text + "\"; a whole number is accepted");
    if (name == "scalerValue") input.scaler_value = *number;
    if (name == "workersMin") input.workers_min = *number;
    if (name == "workersMax") input.workers_max = *number;
    if (name == "idleTimeout") input.idle_timeout_s = *number;
  }
  return input;
}

/// The engine with its shell, on virtual time, for one endpoint.
class Run {
 public:
  explicit Run(const Traffic& traffic)
      : traffic_(traffic),
        engine_(engine_settings(), one_node(), random_),
        workers_({[this](core::Command c) { inbox_.push_back(std::move(c)); },
                  [this](std::function<void(core::Reply)> on_reply) {
                    callers_.emplace(next_token_, std::move(on_reply));
                    return next_token_++;
                  },
                  [this](const core::StartWorker&) { return plan_worker(); },
                  [this](const EndpointId&, const core::HandOut& job) { return plan_job(job); }}) {
    for (const Arrival& one : traffic_.arrivals) {
      if (one.execution) executions_.push_back(*one.execution);
    }
    now_ = traffic.from;
    workers_.advance(now_);
  }

  Result<Figures> run(const core::EndpointInput& input) {
    if (auto made = make_endpoint(input); !made) return tl::unexpected<Error>(made.error());
    const Time last = traffic_.arrivals.empty() ? traffic_.to : std::max(traffic_.to, traffic_.arrivals.back().at);
    while (step(last + kSettle)) {
      const bool done = next_arrival_ == traffic_.arrivals.size() && engine_.health(endpoint_)->in_queue == 0 &&
                        engine_.health(endpoint_)->in_progress == 0;
      if (done && now_ >= traffic_.to) break;
    }
    return measure(std::move(delays_), std::move(changes_), std::max(traffic_.to, now_));
  }

 private:
  static core::EngineSettings engine_settings() {
    core::EngineSettings settings;
    settings.queue_jobs_min = 1'000'000'000;
    settings.resident_jobs_max = 1;  // nobody reads the results
    settings.workers_quota = kGpus;
    return settings;
  }

  Result<void> make_endpoint(const core::EndpointInput& input) {
    const AccountId owner = *AccountId::parse("user");
    apply(core::SaveAccount{{owner, "", now_}});
    Error refused;
    core::SaveEndpoint save;
    save.owner = owner;
    save.input = input;
    save.to = next_token_++;
    callers_.emplace(save.to, [&](const core::Reply& reply) {
      if (const auto* made = std::get_if<core::EndpointReply>(&reply.what)) endpoint_ = made->id;
      if (const auto* error = std::get_if<Error>(&reply.what)) refused = *error;
    });
    apply(std::move(save));
    if (endpoint_.empty()) return tl::unexpected<Error>(refused);
    return {};
  }

  /// Goes on to the next instant at which something happens. False: nothing does before `limit`.
  bool step(Time limit) {
    std::optional<Time> next = workers_.next_event();
    const auto sooner = [&](std::optional<Time> at) {
      if (at && (!next || *at < *next)) next = at;
    };
    sooner(engine_.next_wakeup());
    if (next_arrival_ < traffic_.arrivals.size()) sooner(traffic_.arrivals[next_arrival_].at);
    if (!next || *next > limit) return false;
    now_ = std::max(now_, *next);
    workers_.advance(now_);
    if (const auto wake = engine_.next_wakeup(); wake && *wake <= now_) inbox_.emplace_back(core::Tick{});
    drain();
    while (next_arrival_ < traffic_.arrivals.size() && traffic_.arrivals[next_arrival_].at <= now_) arrive();
    return true;
  }

  void arrive() {
    const Arrival& one = traffic_.arrivals[next_arrival_];
    core::Submit submit;
    submit.request.endpoint = endpoint_;
    submit.request.input = core::bytes(std::to_string(next_arrival_++));
    submit.request.priority = core::parse_priority(one.priority).value_or(core::Priority::normal);
    apply(std::move(submit));
  }

  void apply(core::Command command) {
    inbox_.push_back(std::move(command));
    drain();
  }

  void drain() {
    while (!inbox_.empty()) {
      std::vector<core::Command> turn = std::exchange(inbox_, {});
      core::Effects effects;
      for (core::Command& command : turn) engine_.apply(now_, std::move(command), effects);
      for (const core::RecordedDecision& one : effects.decisions) {
        const bool changes = one.outcome.started > 0 || one.outcome.stopped > 0;
        if (changes) changes_.push_back({one.at, one.outcome.started, one.outcome.stopped});
      }
      for (const core::LaunchOrder& order : effects.orders) workers_.obey(order);
      for (core::Reply& reply : effects.replies) {
        const auto caller = callers_.extract(reply.to);
        if (!caller.empty()) caller.mapped()(std::move(reply));
      }
      workers_.advance(now_);  // what takes no time
    }
  }

  launch::WorkerPlan plan_worker() {
    launch::WorkerPlan plan;
    const std::vector<Millis>& all = traffic_.starts;
    if (all.empty()) return plan;
    plan.loading = starts_ < all.size() ? all[starts_] : all[random_.below(all.size())];
    ++starts_;
    return plan;
  }

  launch::JobPlan plan_job(const core::HandOut& job) {
    launch::JobPlan plan;
    const auto number = static_cast<std::size_t>(parse_number<std::int64_t>(*job.input).value_or(0));
    const Arrival& one = traffic_.arrivals[number];
    delays_.push_back(now_ - one.at);
    if (one.execution) {
      plan.execution = *one.execution;
    } else if (!executions_.empty()) {
      plan.execution = executions_[random_.below(executions_.size())];
    }
    plan.output = output_;
    return plan;
  }

  const Traffic& traffic_;
  SeededRandom random_{1};
  core::Engine engine_;
  std::vector<core::Command> inbox_;
  std::map<core::Token, std::function<void(core::Reply)>> callers_;
  core::Token next_token_ = 1;
  launch::ScriptedWorkers workers_;
  EndpointId endpoint_;
  Time now_{};
  std::size_t next_arrival_ = 0;
  std::size_t starts_ = 0;
  core::Bytes output_ = core::bytes("null");
  std::vector<Millis> executions_;
  std::vector<Millis> delays_;
  std::vector<WorkerChange> changes_;
};

Millis percentile(const std::vector<Millis>& sorted, double share) {
  if (sorted.empty()) return Millis{0};
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

Result<Arrival> read_line(const std::vector<std::string>& columns, const std::string& line) {
  Arrival out;
  std::size_t column = 0;
  std::string_view rest = line;
  while (column < columns.size()) {
    const auto comma = rest.find(',');
    const std::string text(trim(rest.substr(0, comma)));
    const std::string& name = columns[column++];
    if (name == "at") {
      const auto ms = parse_number<std::int64_t>(text);
      const auto at = ms ? std::optional(from_ms(*ms)) : parse_iso8601(text);
      if (!at) return fail(Errc::invalid, "at is \"" + text + "\"; an instant or milliseconds are accepted");
      out.at = *at;
    } else if (name == "execution_ms" && !text.empty()) {
      const auto ms = parse_number<std::int64_t>(text);
      if (!ms || *ms < 0)
        return fail(Errc::invalid, "execution_ms is \"" + text + "\"; whole milliseconds are accepted");
      out.execution = Millis{*ms};
    } else if (name == "priority" && !text.empty()) {
      if (!core::parse_priority(text)) {
        return fail(Errc::invalid, "priority is \"" + text + "\"; high, normal and low are accepted");
      }
      out.priority = text;
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

}  // namespace

std::string first_pool(const std::string& gpu_ids, bool is_cpu) {
  if (is_cpu) return std::string(core::kCpuPool);
  const auto selection = core::parse_gpu_ids(gpu_ids);
  return selection && !selection->pools.empty() ? selection->pools.front() : "";
}

Result<void> set_scaling(ScalingSettings& settings, const std::string& assignment) {
  const auto sign = assignment.find('=');
  const std::string name = assignment.substr(0, sign);
  const std::vector<std::string_view> known(std::begin(kSettings), std::end(kSettings));
  if (sign == std::string::npos || std::ranges::find(known, name) == known.end()) {
    return fail(Errc::invalid, "\"" + assignment + "\" is no setting of scaling; name=value is expected with one of " +
                                   join(known, ", "));
  }
  for (auto& [other, value] : settings) {
    if (other != name) continue;
    value = assignment.substr(sign + 1);
    return {};
  }
  settings.emplace_back(name, assignment.substr(sign + 1));
  return {};
}

Figures measure(std::vector<Millis> delays, std::vector<WorkerChange> changes, Time to) {
  Figures out;
  std::ranges::sort(delays);
  out.jobs = static_cast<std::int64_t>(delays.size());
  out.delay_p50 = percentile(delays, 0.50);
  out.delay_p95 = percentile(delays, 0.95);
  out.delay_p99 = percentile(delays, 0.99);
  int present = 0;
  Time since = changes.empty() ? to : changes.front().at;
  std::int64_t worker_ms = 0;
  for (const WorkerChange& change : changes) {
    worker_ms += present * (change.at - since).count();
    since = change.at;
    out.cold_starts += change.started;
    present = std::max(0, present + change.started - change.stopped);
    out.workers_most = std::max(out.workers_most, present);
  }
  worker_ms += present * std::max(to - since, Millis{0}).count();
  out.worker_seconds = static_cast<double>(worker_ms) / 1'000;
  out.changes = std::move(changes);
  return out;
}

std::vector<int> workers_over_time(const Figures& figures, Time from, Time to, int count) {
  std::vector<int> out;
  std::size_t next = 0;
  int present = 0;
  for (int i = 0; i < count; ++i) {
    const Time at = from + (to - from) * (i + 1) / count;
    int most = present;
    for (; next < figures.changes.size() && figures.changes[next].at <= at; ++next) {
      present = std::max(0, present + figures.changes[next].started - figures.changes[next].stopped);
      most = std::max(most, present);
    }
    out.push_back(most);
  }
  return out;
}

Result<Figures> simulate(const Traffic& traffic, const ScalingSettings& settings) {
  const auto input = endpoint_input(settings);
  if (!input) return tl::unexpected<Error>(input.error());
  const auto run = std::make_unique<Run>(traffic);
  return run->run(*input);
}

Result<std::vector<Arrival>> read_trace(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  if (!stream || !std::getline(stream, line)) {
    return fail(Errc::invalid, "cannot read the trace " + file + ": " +
                                   (stream.bad() || !stream.eof() ? std::strerror(errno) : "it is empty"));
  }
  std::vector<std::string> columns;
  for (const std::string_view name : split_list(line, ',')) columns.emplace_back(name);
  if (std::ranges::find(columns, "at") == columns.end()) {
    return fail(Errc::invalid,
                file + ":1: a header with a column \"at\" is expected, and if there, execution_ms and priority");
  }
  std::vector<Arrival> all;
  for (int number = 2; std::getline(stream, line); ++number) {
    if (trim(line).empty()) continue;
    auto one = read_line(columns, line);
    if (!one) return fail(Errc::invalid, file + ":" + std::to_string(number) + ": " + one.error().message);
    all.push_back(std::move(*one));
  }
  std::ranges::sort(all, {}, &Arrival::at);
  return all;
}

}  // namespace penstock::server
