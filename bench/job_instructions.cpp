// The life of a job in the engine and the log's encoding, without disk, sockets or clock: run under callgrind, the
// number of instructions for each job says whether a change made jobs dearer, on any machine and at any load.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/random.h"
#include "core/engine.h"
#include "store/log/frame.h"
#include "store/log/record_codec.h"

namespace penstock {
namespace {

constexpr int kWorkers = 16;
constexpr std::size_t kPayloadBytes = 1024;

class JobLoop {
 public:
  JobLoop() : engine_(core::EngineSettings{}, {}, random_) {
    core::StoredState state;
    core::Account account;
    account.id = AccountId::parse("user").value();
    core::Endpoint endpoint;
    endpoint.id = endpoint_;
    endpoint.owner = account.id;
    endpoint.name = "bench";
    endpoint.workers_max = 0;  // only those that are attached
    core::Template image;
    image.id = endpoint.template_id = TemplateId::parse("template").value();
    image.owner = account.id;
    state.accounts = {account};
    state.templates = {image};
    state.endpoints = {endpoint};
    for (int i = 0; i < kWorkers; ++i) {
      core::Worker worker;
      worker.id = WorkerId::parse("worker" + std::to_string(i)).value();
      worker.endpoint = endpoint_;
      worker.external = true;
      state.workers.push_back(worker);
      workers_.push_back(worker.id);
    }
    core::Effects effects;
    engine_.restore(now_, std::move(state), effects);
  }

  /// Submitted, handed out, finished; each worker has a poll open before.
  void run(int jobs) {
    for (int i = 0; i < jobs; ++i) {
      const WorkerId& worker = workers_[static_cast<std::size_t>(i % kWorkers)];
      apply(core::TakeJobs{++token_, endpoint_, worker});
      core::Submit submit;
      submit.to = ++token_;
      submit.request.endpoint = endpoint_;
      submit.request.sync = true;
      submit.request.input = payload_;
      submit.wait = Millis{90'000};
      apply(std::move(submit));
      apply(core::FinishJob{++token_, endpoint_, worker, job_, payload_, std::nullopt});
    }
  }

  int finished() const { return finished_; }

 private:
  void apply(core::Command command) {
    now_ += Millis{1};
    effects_.clear();
    engine_.apply(now_, std::move(command), effects_);
    if (effects_.records.empty()) return;
    const store::SharedTurn turn = store::encode(effects_.records);
    for (const core::Record& record : effects_.records) {
      if (const auto* added = std::get_if<core::JobAdded>(&record)) job_ = added->request.id;
      const auto* changed = std::get_if<core::JobChanged>(&record);
      if (changed != nullptr && changed->state.status == core::JobStatus::completed) ++finished_;
    }
    ++sequence_;
    turn->seal(1, sequence_, sequence_ - 1);
  }

  SeededRandom random_{1};
  core::Engine engine_;
  const EndpointId endpoint_ = EndpointId::parse("endpoint").value();
  std::vector<WorkerId> workers_;
  const core::Bytes payload_ = core::bytes("\"" + std::string(kPayloadBytes, 'x') + "\"");
  Time now_ = from_ms(1'700'000'000'000);
  core::Token token_ = 0;
  core::Effects effects_;
  JobId job_;
  std::uint64_t sequence_ = 0;
  int finished_ = 0;
};

}  // namespace
}  // namespace penstock

int main(int count, char** arguments) {
  const int jobs = count == 2 ? std::atoi(arguments[1]) : 0;
  if (jobs <= 0) {
    std::fprintf(stderr, "usage: job_instructions JOBS (under valgrind --tool=callgrind)\n");
    return 2;
  }
  penstock::JobLoop loop;
  loop.run(jobs);
  std::printf("%d jobs finished\n", loop.finished());
  return loop.finished() == jobs ? 0 : 1;
}
