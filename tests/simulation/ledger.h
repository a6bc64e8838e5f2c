#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/commands.h"
#include "core/records.h"
#include "core/settings.h"
#include "delivery_ledger.h"
#include "shadow.h"
#include "usage_ledger.h"

namespace penstock::simulation {

/// The independent witness: it knows the rules that may never be broken, reads every command and everything that the
/// engine wanted done, and throws Violation. It decides nothing by itself and shares no code with the engine.
class Ledger {
 public:
  Ledger(const core::EngineSettings& settings, Tally& tally)
      : settings_(settings), tally_(tally), webhooks_(settings, tally), usage_(settings) {}

  void turn_begins() {
    retried_in_turn_.clear();
    cleared_in_turn_.clear();
  }
  /// After each apply. `command` is what was really sent; null: the effects of a restore.
  void applied(Time now, const core::Command* command, const core::Effects& effects);
  /// The turn is durable.
  void committed();
  /// The server died before the commit: what nobody was told may be gone, what somebody was told may not.
  void rolled_back();
  /// A reply left the server.
  void told(const core::Reply& reply);
  void server_started(Time now) {
    server_started_ = now;
    server_stops_ = false;
    takes_.clear();
    crashed_.clear();
  }

  const Versioned<JobId, JobShadow>& jobs() const { return jobs_; }
  const Versioned<WorkerId, core::Worker>& workers() const { return workers_; }
  const Versioned<EndpointId, core::Endpoint>& endpoints() const { return endpoints_; }
  const Versioned<EndpointId, core::Counters>& counters() const { return counters_; }
  const Versioned<TemplateId, core::Template>& templates() const { return templates_; }
  const Versioned<VolumeId, core::NetworkVolume>& volumes() const { return volumes_; }
  const DeliveryLedger& webhooks() const { return webhooks_; }
  const UsageLedger& usage() const { return usage_; }
  const Versioned<std::pair<EndpointId, int>, core::Release>& releases() const { return releases_; }
  bool gpu_taken(const std::string& node, int gpu) const { return gpus_.contains({node, gpu}); }
  const std::set<JobId>& acknowledged() const { return acknowledged_; }
  bool server_stops() const { return server_stops_; }
  bool polls_for_jobs(const WorkerId& worker) const;
  /// The last time that a worker of the endpoint ended before it was ready, unless one became ready since.
  std::optional<Time> crashed_at(const EndpointId& endpoint) const;
  bool was_terminal(const JobId& job) const { return terminal_once_.contains(job); }
  bool was_deleted(const JobId& job) const { return deleted_.contains(job); }

  /// At the end, with every reader served: each chunk that is there was written to somebody.
  void check_streams_read(Time now) const;

 private:
  struct Verdict {
    core::JobStatus status;
    core::Bytes output;
    std::optional<std::string> error;
  };

  void see(const core::AccountSaved&) {}
  void see(const core::ApiKeySaved&) {}
  void see(const core::TemplateSaved& r);
  void see(const core::TemplateRemoved& r);
  void see(const core::EndpointSaved& r);
  void see(const core::EndpointRemoved& r);
  void see(const core::CountersSaved& r);
  void see(const core::JobAdded& r);
  void see(const core::JobChanged& r);
  void see(const core::ChunkAdded& r);
  void see(const core::ChunksCleared& r);
  void see(const core::JobsForgotten& r);
  void see(const core::WorkerSaved& r);
  void see(const core::WorkerRemoved& r);
  void see(const core::VolumeSaved& r);
  void see(const core::VolumeRemoved& r);
  void see(const core::SecretSaved&) {}
  void see(const core::SecretRemoved&) {}
  void see(const core::CredentialSaved&) {}
  void see(const core::CredentialRemoved&) {}
  void see(const core::BatchSaved&) {}
  void see(const core::BatchRemoved&) {}
  void see(const core::GpuMarkSaved&) {}
  void see(const core::GpuMarkRemoved&) {}
  void see(const core::WebhookAdded& r) { webhooks_.see(now_, r); }
  void see(const core::WebhookChanged& r) { webhooks_.see(now_, r, command_); }
  void see(const core::ReleaseSaved& r);
  void see(const core::UsageSaved& r) { usage_.see(now_, r); }
  void see(const core::BudgetSaved& r) {
    usage_.see(r);
    ++tally_.budgets;
  }
  void see(const core::PlacesSaved&) {}
  void see(const core::Reply& reply);
  void see_order(const core::StartWorker& order) const;
  void see_hand_outs(const core::HandOuts& out, const WorkerId& worker);
  void see_stops(const core::StopList& list, const WorkerId& worker);
  void see_page(const core::StreamPage& page);
  static bool is_part(const core::StreamPage& page, const std::vector<core::Bytes>& chunks);
  void see_error(const Error& error, core::Token to);
  void note_question();
  void note_poll();
  void check_no_churn(const core::Effects& effects) const;

  Time turn_of(const JobShadow& job) const;
  void check_key(const core::JobAdded& r) const;
  void see_submitted(const JobId& id);
  void check_reused();
  void check_hand_out(const JobShadow& before, const core::JobChanged& r);
  void check_end(const JobShadow& before, const core::JobChanged& r);
  void check_back_to_queue(const JobShadow& before, const core::JobChanged& r);
  void check_still_ended(const JobShadow& before, const core::JobChanged& r);
  void check_cursor(const core::JobChanged& r);
  void check_bounds() const;
  void note_page_written(const core::StreamRead& c);
  template <class T>
  const T* command_as() const {
    return command_ ? std::get_if<T>(command_) : nullptr;
  }

  core::EngineSettings settings_;
  Tally& tally_;
  Time now_{};
  Time server_started_{};
  bool server_stops_ = false;  // it leaves its workers as they are
  const core::Command* command_ = nullptr;
  std::map<core::Token, core::Command> questions_;  // of this turn

  Versioned<JobId, JobShadow> jobs_;
  Versioned<WorkerId, core::Worker> workers_;
  Versioned<EndpointId, core::Endpoint> endpoints_;
  Versioned<EndpointId, core::Counters> counters_;
  Versioned<EndpointId, core::Counters> counted_;  // as they follow from the jobs
  Versioned<TemplateId, core::Template> templates_;
  Versioned<VolumeId, core::NetworkVolume> volumes_;
  DeliveryLedger webhooks_;
  UsageLedger usage_;
  Versioned<std::pair<EndpointId, int>, core::Release> releases_;
  std::map<std::pair<std::string, int>, WorkerId> gpus_;  // rebuilt after a roll-back

  std::map<core::Token, WorkerId> polls_;  // open job-take and job-stop polls
  std::map<core::Token, WorkerId> takes_;  // of these, the job-take polls
  std::map<EndpointId, Time> crashed_;     // as this server process knows it

  std::set<JobId> acknowledged_;
  std::map<JobId, Verdict> verdicts_;  // of which somebody was told
  std::set<JobId> terminal_once_;
  std::set<JobId> deleted_;
  std::map<JobId, std::set<int>> read_;  // chunks that were written to a reader, in the job's present life
  std::set<JobId> retried_in_turn_;
  std::map<JobId, std::vector<core::Bytes>> cleared_in_turn_;  // chunks
};

}  // namespace penstock::simulation
