#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/engine.h"

// What the engine needs for one event and its decision when it has many endpoints, in this process, without a store:
// jobs that are submitted to random endpoints, taken and finished by a worker of each. Prints rows, then one JSON
// object.
//
//   decisions [ENDPOINTS...]        default: 10 1000 100000

namespace {

using namespace penstock;
using Clock = std::chrono::steady_clock;

constexpr Time kStart{Millis{1'800'000'000'000}};
constexpr int kEvents = 60'000;
constexpr int kWorkers = 8;  // endpoints that work; the rest is there

struct Figures {
  int endpoints = 0;
  double median_us = 0;
  double p99_us = 0;
  double decide_ns = 0;
};

core::StoredState many(int endpoints) {
  core::StoredState state;
  const AccountId owner = *AccountId::parse("user_1");
  state.accounts.push_back(core::Account{owner, "", kStart});
  for (int i = 0; i < endpoints; ++i) {
    core::Template value;
    value.id = *TemplateId::parse("t" + std::to_string(i));
    value.owner = owner;
    value.name = "template " + std::to_string(i);
    value.image = "example/image:1";
    value.is_serverless = true;
    core::Endpoint endpoint;
    endpoint.id = *EndpointId::parse("e" + std::to_string(i));
    endpoint.owner = owner;
    endpoint.template_id = value.id;
    endpoint.gpu_ids = "ADA_24";
    endpoint.workers_max = 1;
    endpoint.idle_timeout_s = 3'600;
    endpoint.created = kStart;
    state.releases.emplace_back(endpoint.id, 0);
    state.templates.push_back(std::move(value));
    state.endpoints.push_back(std::move(endpoint));
  }
  return state;
}

double since_us(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

class Load {
 public:
  explicit Load(int endpoints) : endpoints_(endpoints), engine_({}, {{"node", "", "", true, gpus()}}, identifiers_) {
    core::Effects fx;
    engine_.restore(kStart, many(endpoints), fx);
    for (int i = 0; i < std::min(endpoints, kWorkers); ++i) {
      sites_.push_back({*EndpointId::parse("e" + std::to_string(i * (endpoints / std::min(endpoints, kWorkers)))), {}});
    }
  }

  Figures run() {
    for (Site& site : sites_) begin(site);
    std::vector<double> times;
    times.reserve(kEvents);
    SeededRandom random(7);
    for (int i = 0; i < kEvents / 3; ++i) {
      Site& site = sites_[random.below(sites_.size())];
      now_ += Millis{5};
      core::Submit submit;
      submit.request.endpoint = site.id;
      submit.request.input = core::bytes("{}");
      times.push_back(timed(std::move(submit)));
      const auto* out = reply<core::HandOuts>();
      if (!out || out->jobs.empty()) continue;
      const JobId job = out->jobs[0].id;
      core::FinishJob finish{++token_, site.id, site.worker, job, core::bytes("1"), std::nullopt, false};
      times.push_back(timed(std::move(finish)));
      times.push_back(timed(core::TakeJobs{++token_, site.id, site.worker, 1, false}));
    }
    std::ranges::sort(times);
    Figures out;
    out.endpoints = endpoints_;
    out.median_us = times[times.size() / 2];
    out.p99_us = times[times.size() * 99 / 100];
    return out;
  }

 private:
  struct Site {
    EndpointId id;
    WorkerId worker;
  };

  static std::vector<core::GpuDevice> gpus() {
    std::vector<core::GpuDevice> out;
    for (int i = 0; i < kWorkers; ++i) out.push_back({i, "NVIDIA GeForce RTX 4090", "ADA_24"});
    return out;
  }

  /// A worker that asks for jobs.
  void begin(Site& site) {
    core::Submit submit;
    submit.request.endpoint = site.id;
    submit.request.input = core::bytes("{}");
    timed(std::move(submit));
    for (const auto& order : fx_.orders) {
      if (const auto* start = std::get_if<core::StartWorker>(&order)) site.worker = start->id;
    }
    timed(core::TakeJobs{++token_, site.id, site.worker, 1, false});
    const JobId job = reply<core::HandOuts>()->jobs.at(0).id;
    timed(core::FinishJob{++token_, site.id, site.worker, job, core::bytes("1"), std::nullopt, false});
    timed(core::TakeJobs{++token_, site.id, site.worker, 1, false});
  }

  double timed(core::Command command) {
    fx_.clear();
    const auto begin = Clock::now();
    engine_.apply(now_, std::move(command), fx_);
    return since_us(begin);
  }

  template <class What>
  const What* reply() const {
    for (const core::Reply& one : fx_.replies) {
      if (const auto* what = std::get_if<What>(&one.what)) return what;
    }
    return nullptr;
  }

  int endpoints_;
  SeededRandom identifiers_{1};
  core::Engine engine_;
  core::Effects fx_;
  std::vector<Site> sites_;
  Time now_ = kStart;
  core::Token token_ = 0;
};

/// The pure rule alone.
double decide_ns() {
  core::ScaleInputs in;
  in.workers_max = 10;
  std::int64_t wanted = 0;
  constexpr int kRounds = 2'000'000;
  const auto begin = Clock::now();
  for (int i = 0; i < kRounds; ++i) {
    in.queued = i & 7;
    in.present = i & 3;
    wanted += core::decide(in).wanted;
  }
  const double ns = since_us(begin) * 1'000 / kRounds;
  return wanted < 0 ? 0 : ns;
}

}  // namespace

int main(int count, char** values) {
  std::vector<int> sizes;
  for (int i = 1; i < count; ++i) {
    int size = 0;
    const char* end = values[i] + std::strlen(values[i]);
    if (std::from_chars(values[i], end, size).ptr != end || size < 1) {
      fmt::print(stderr, "decisions: \"{}\" is no number of endpoints\n", values[i]);
      return 2;
    }
    sizes.push_back(size);
  }
  if (sizes.empty()) sizes = {10, 1'000, 100'000};
  const double decide = decide_ns();
  fmt::print("decide() alone: {:.0f} ns\n\nendpoints  event, median  event, p99\n", decide);
  std::string rows;
  double least = 0;
  double most = 0;
  for (const int size : sizes) {
    const Figures figures = Load(size).run();
    fmt::print("{:>9}  {:>10.2f} us  {:>7.2f} us\n", size, figures.median_us, figures.p99_us);
    rows += fmt::format("{}{{\"endpoints\":{},\"event_median_us\":{:.3f},\"event_p99_us\":{:.3f}}}",
                        rows.empty() ? "" : ",", size, figures.median_us, figures.p99_us);
    least = least == 0 ? figures.median_us : std::min(least, figures.median_us);
    most = std::max(most, figures.median_us);
  }
  fmt::print("{{\"decide_ns\":{:.1f},\"events\":[{}],\"most_of_least\":{:.2f}}}\n", decide, rows, most / least);
  return 0;
}
