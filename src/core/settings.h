#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace penstock::core {

using namespace std::chrono_literals;

/// What an operator may change about the rules. Defaults are the product's.
struct EngineSettings {
  // workers
  Millis ping_interval{10'000};
  int lease_pings = 4;                // a lease is this many ping intervals (contract/data-plane 2.16)
  Millis poll_hold{25'000};           // job-take and job-stop; must stay under 90 s (2.3)
  Millis unknown_worker_hold{3'000};  // before the refusal, so that a worker that lost its place makes no hot loop
  Millis stop_grace{10'000};          // SIGTERM to SIGKILL
  Millis start_timeout{420'000};      // start to first job-take (2.12)
  Millis job_stop_grace{10'000};      // a stopped job that its worker still lists after this costs the worker its life
  Millis job_stop_repeat{5'000};      // an id is told again at most this often (2.4)
  Millis crash_backoff_first{1'000};  // doubled for each further crash at start
  Millis crash_backoff_max{60'000};
  Millis crash_backoff_settled{3'600'000};  // once the doubling has reached its maximum (3.4)
  int gpu_deaths_max = 3;        // jobs that die on one GPU in a row before it is quarantined; 0: they are not counted
  Millis share_rest{2'000};      // an idle worker goes for an endpoint that only wants more workers after this
  Millis share_turn{60'000};     // the only worker of an endpoint keeps its GPUs so long while others have none
  Millis frozen_for{3'600'000};  // with FLASHBOOT, an idle worker stays frozen this long; 0: it is ended instead
  int frozen_max = 64;           // on this server; beyond it the one that was frozen first is ended
  Millis frozen_poll_hold{75'000};  // an older poll of a frozen worker is answered with nothing: an SDK drops its
                                    // own at 90 s (2.3), and a job that is answered into it then is lost
  bool process_images = true;       // `process:` images are allowed

  // jobs
  Millis retention_async{24h};
  Millis retention_sync{1h};
  bool ttl_expiry_deletes = false;    // true: an expired job answers 404 at once instead of TIMED_OUT (1.6)
  Millis execution_timeout{600'000};  // when neither job nor endpoint says
  Millis ttl{24h};
  Millis priority_ageing{300'000};                    // what high or low priority is worth, as time waited
  int queue_jobs_min = 50;                            // the queue is full only above this ...
  int queue_jobs_per_worker = 500;                    // ... and above workersMax times this (1.1)
  std::size_t queued_bytes_max = 1024 * 1024 * 1024;  // inputs of queued jobs kept in memory; the rest in the store
  int read_ahead_jobs = 256;                          // inputs that are fetched from there before their jobs' turn ...
  std::size_t read_ahead_bytes = 16 * 1024 * 1024;    // ... and at most about so much at a time
  int attempts_max = 2;                               // hand-outs before a job that keeps losing its worker FAILED
  std::size_t stream_bytes_max = 64 * 1024 * 1024;    // buffered chunks of one job; more fails the job
  int stream_chunks_max = 100'000;
  std::size_t resident_bytes_max =
      256 * 1024 * 1024;  // payloads of finished jobs kept in memory; older ones in the store
  std::size_t resident_jobs_max = 100'000;

  // batches (contract/data-plane 1.11)
  int batches_active_max = 10;                       // of one endpoint: drafts, and those that have not ended
  int batches_kept_max = 10'000;                     // with those that have
  int batch_requests_max = 5'000;                    // of one batch
  std::int64_t batch_bytes_max = 256 * 1024 * 1024;  // of its requests
  int batch_queue_max = 50'000;                      // requests of batches in the queue of one endpoint
  Millis batch_draft_life{168h};                     // from the last change; then it is cancelled

  // webhooks (contract/data-plane 1.9)
  Millis webhook_first_retry{5'000};  // the second waits three times as long; further ones four times as long each
  Millis webhook_retry_for{24h};      // from the job's end, beyond the three attempts that there always are
  Millis webhook_retention{24h};      // how long a delivered one is listed
  Millis webhook_retention_failed{168h};
  std::size_t webhook_payload_bytes_max = 16 * 1024 * 1024;  // an input or output above it is left out of the body
  int webhooks_in_flight_max = 64;
  int webhooks_in_flight_per_host = 16;
  int webhooks_open_max = 250'000;  // unfinished jobs with a webhook, and deliveries that wait; more are refused

  // control plane
  bool modify_resets_defaults = false;       // contract/control-plane D1: upstream-reset
  bool delete_requires_zero_workers = true;  // D2
  bool template_sharing = false;             // D10
  int workers_quota = 1'000;                 // sum of workersMax over an account (B4)
  int endpoints_max = 10'000;
  int templates_max = 10'000;
  int volumes_max = 10'000;
  int secrets_max = 10'000;
  int credentials_max = 10'000;
  int external_workers_max = 1'000;  // per endpoint

  // scaling and usage
  bool idle_scale_down = false;  // workersMax goes to 2 after 3 days without a request, and to 0 after 7 (3.4)
  std::map<std::string, std::int64_t, std::less<>> prices = default_prices();  // millionths for a GPU and hour, by pool
  int discount = 0;                                                            // millionths of them taken off ...
  std::optional<Time> discount_until;                                          // ... until then; none: for ever

  static std::map<std::string, std::int64_t, std::less<>> default_prices();
};

}  // namespace penstock::core
