#include "api/metrics/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/metrics/exposition.h"

namespace penstock::api {
namespace {

using Loads = std::vector<core::EndpointLoad>;

std::uint64_t whole(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

double seconds(Millis time) {
  return std::chrono::duration<double>(time).count();
}

void add(core::EndpointLoad& sum, const core::EndpointLoad& one) {
  sum.jobs.completed += one.jobs.completed;
  sum.jobs.failed += one.jobs.failed;
  sum.jobs.retried += one.jobs.retried;
  sum.in_queue += one.in_queue;
  sum.low_priority_queued += one.low_priority_queued;
  sum.batch_queued += one.batch_queued;
  sum.in_progress += one.in_progress;
  sum.oldest_wait = std::max(sum.oldest_wait, one.oldest_wait);
  for (std::size_t i = 0; i < sum.workers.size(); ++i) sum.workers[i] += one.workers[i];
  sum.throttled += one.throttled;
  sum.crashes_in_a_row = std::max(sum.crashes_in_a_row, one.crashes_in_a_row);
}

/// Bounded: see kMetricsEndpointsMax.
Loads bounded(Loads all) {
  if (all.size() <= kMetricsEndpointsMax) return all;
  core::EndpointLoad others;
  others.id = "_others";
  for (std::size_t i = kMetricsEndpointsMax; i < all.size(); ++i) add(others, all[i]);
  all.resize(kMetricsEndpointsMax);
  all.push_back(std::move(others));
  return all;
}

void write_jobs(Exposition& out, const Loads& loads) {
  out.gauge("penstock_jobs", "Jobs that have not ended, by endpoint and state.");
  for (const auto& load : loads) {
    out.sample({{"endpoint", load.id}, {"state", "IN_QUEUE"}}, whole(load.in_queue));
    out.sample({{"endpoint", load.id}, {"state", "IN_PROGRESS"}}, whole(load.in_progress));
  }
  out.counter("penstock_jobs_finished_total", "Jobs that ended; those that timed out count as failed.");
  for (const auto& load : loads) {
    out.sample({{"endpoint", load.id}, {"result", "completed"}}, whole(load.jobs.completed));
    out.sample({{"endpoint", load.id}, {"result", "failed"}}, whole(load.jobs.failed));
  }
  out.counter("penstock_jobs_retried_total", "Jobs that went back to the queue because their worker was lost.");
  for (const auto& load : loads) out.sample({{"endpoint", load.id}}, whole(load.jobs.retried));
  out.gauge("penstock_queue_depth", "Jobs in the queue, by kind: low priority, request of a batch, or normal.");
  for (const auto& load : loads) {
    const int normal = load.in_queue - load.low_priority_queued - load.batch_queued;
    out.sample({{"endpoint", load.id}, {"kind", "normal"}}, whole(normal));
    out.sample({{"endpoint", load.id}, {"kind", "low"}}, whole(load.low_priority_queued));
    out.sample({{"endpoint", load.id}, {"kind", "batch"}}, whole(load.batch_queued));
  }
  out.gauge("penstock_queue_oldest_wait_seconds", "How long the oldest job in the queue has waited; 0 when none does.");
  for (const auto& load : loads) out.sample({{"endpoint", load.id}}, seconds(load.oldest_wait));
}

void write_workers(Exposition& out, const Loads& loads) {
  out.gauge("penstock_workers", "Workers, by endpoint and state; throttled ones are wanted and find no place.");
  for (const auto& load : loads) {
    for (std::size_t i = 0; i < load.workers.size(); ++i) {
      const auto state = core::to_text(static_cast<core::WorkerStatus>(i));
      out.sample({{"endpoint", load.id}, {"state", state}}, whole(load.workers[i]));
    }
    out.sample({{"endpoint", load.id}, {"state", "throttled"}}, whole(load.throttled));
  }
  out.gauge("penstock_worker_crashes_in_a_row",
            "Workers of the endpoint that crashed at start without one that did not.");
  for (const auto& load : loads) out.sample({{"endpoint", load.id}}, whole(load.crashes_in_a_row));
}

void write_http(Exposition& out, const RouteCounts& routes, const ServerMetrics& server) {
  out.counter("penstock_http_requests_total", "Requests, by what they asked for.");
  for (std::size_t i = 0; i < RouteCounts::kNames.size(); ++i) {
    out.sample({{"route", RouteCounts::kNames[i]}}, routes.count(i));
  }
  out.counter("penstock_http_answers_total", "Answers, by HTTP status; 4xx and 5xx are refusals.");
  for (int status = 100; status < 600; ++status) {
    const std::uint64_t count = server.http.of(status);
    if (count > 0) out.sample({{"code", std::to_string(status)}}, count);
  }
  out.one_gauge("penstock_http_connections", "Open connections.", std::uint64_t{server.connections});
}

void write_store(Exposition& out, const ServerMetrics& server) {
  out.histogram("penstock_commit_seconds", "How long turns took to become durable, in batches as they are committed.",
                server.commits);
  out.one_counter("penstock_commit_records_total", "Records in these commits.", server.records);
  out.one_counter("penstock_log_bytes_total", "Bytes appended to the log.", server.store.log_bytes);
  out.one_gauge("penstock_tables_lag_turns", "Turns that are in the log and not in the tables yet.",
                server.store.turns_behind);
  out.one_gauge("penstock_tables_lag_bytes", "Their bytes.", server.store.bytes_behind);
  out.one_gauge("penstock_tables_lag_seconds", "Age of the oldest of them.", server.store.seconds_behind);
  out.one_gauge("penstock_disk_has_room", "0 while new work is refused because the disk is nearly full.",
                std::uint64_t{server.store.has_room ? 1U : 0U});
}

void write_webhooks(Exposition& out, const core::WebhookCounts& counts) {
  out.one_gauge("penstock_webhooks_pending", "Webhook deliveries that were not delivered yet and are not given up.",
                std::uint64_t{counts.pending});
  out.one_gauge("penstock_webhooks_in_flight", "Posts of them that are under way.", whole(counts.in_flight));
  out.counter("penstock_webhook_posts_total", "Posts that ended since the server started.");
  out.sample({{"result", "delivered"}}, counts.delivered);
  out.sample({{"result", "failed"}}, counts.failed);
  out.one_counter("penstock_webhooks_given_up_total", "Deliveries that were given up since the server started.",
                  counts.given_up);
}

void write_process(Exposition& out, const core::Engine& engine, const ServerMetrics& server) {
  if (server.spans) {
    out.one_counter("penstock_spans_exported_total", "Spans that the trace collector took.", server.spans->exported);
    out.one_counter("penstock_spans_dropped_total", "Spans that it refused, or that found no place to wait.",
                    server.spans->dropped);
    out.one_gauge("penstock_spans_waiting", "Spans that wait for it.", std::uint64_t{server.spans->waiting});
  }
  const core::MemoryCounts memory = engine.memory_counts();
  out.one_gauge("penstock_memory_jobs", "Jobs in memory, those that ended included.", std::uint64_t{memory.jobs});
  out.one_gauge("penstock_memory_result_bytes", "Payloads of ended jobs that are kept in memory.",
                std::uint64_t{memory.result_bytes});
  out.one_gauge("penstock_waiting_callers", "Requests that are held until something happens.",
                std::uint64_t{memory.waiting_callers});
  out.one_gauge("process_resident_memory_bytes", "Resident memory.", server.process.resident_bytes);
  out.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");
  out.sample({}, server.process.started_seconds);
  out.counter("process_cpu_seconds_total", "User and system processor time.");
  out.sample({}, server.process.cpu_seconds);
}

}  // namespace

std::string metrics_text(const core::Engine& engine, Time now, const RouteCounts& routes, const ServerMetrics& server) {
  Exposition out;
  const Loads loads = bounded(engine.loads(now));
  write_jobs(out, loads);
  write_workers(out, loads);
  write_http(out, routes, server);
  write_store(out, server);
  write_webhooks(out, engine.webhook_counts());
  write_process(out, engine, server);
  return out.take();
}

}  // namespace penstock::api
