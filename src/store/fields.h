#pragma once

#include <concepts>
#include <type_traits>

#include "core/records.h"

namespace penstock::store {

// The columns of each kind of thing, named once: each_field(value, visit) calls visit(column, member) in column order.
// The same list makes the SQL text, binds parameters and reads rows, so they cannot disagree.

template <class Value, class Kind>
concept IsA = std::same_as<std::remove_const_t<Value>, Kind>;

template <IsA<core::Account> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("email", value.email);
  visit("created_ms", value.created);
  visit("pub_key", value.pub_key);
  visit("webhook_secret", value.webhook_secret);
  visit("webhook_secret_before", value.webhook_secret_before);
  visit("webhook_secret_since_ms", value.webhook_secret_since);
}

template <IsA<core::ApiKey> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("account", value.account);
  visit("name", value.name);
  visit("hash", value.hash);
  visit("scope", value.scope);
  visit("created_ms", value.created);
}

template <IsA<core::Template> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("name", value.name);
  visit("image", value.image);
  visit("docker_args", value.docker_args);
  visit("env", value.env);
  visit("ports", value.ports);
  visit("container_disk_gb", value.container_disk_gb);
  visit("volume_gb", value.volume_gb);
  visit("volume_mount_path", value.volume_mount_path);
  visit("registry_auth_id", value.registry_auth_id);
  visit("is_serverless", value.is_serverless);
  visit("is_public", value.is_public);
  visit("readme", value.readme);
  visit("advanced_start", value.advanced_start);
  visit("start_jupyter", value.start_jupyter);
  visit("start_ssh", value.start_ssh);
  visit("start_script", value.start_script);
  visit("category", value.category);
  visit("bound_endpoint", value.bound_endpoint);
  visit("created_ms", value.created);
  visit("config", value.config);
  visit("port_names", value.port_names);
}

template <IsA<core::Endpoint> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("name", value.name);
  visit("template_id", value.template_id);
  visit("binds_template", value.binds_template);
  visit("gpu_ids", value.gpu_ids);
  visit("gpu_count", value.gpu_count);
  visit("instance_ids", value.instance_ids);
  visit("workers_min", value.workers_min);
  visit("workers_max", value.workers_max);
  visit("workers_standby", value.workers_standby);
  visit("workers_pfb_target", value.workers_pfb_target);
  visit("idle_timeout_s", value.idle_timeout_s);
  visit("scaler_type", value.scaler_type);
  visit("scaler_value", value.scaler_value);
  visit("locations", value.locations);
  visit("data_center_ids", value.data_center_ids);
  visit("env", value.env);
  visit("allowed_cuda_versions", value.allowed_cuda_versions);
  visit("min_cuda_version", value.min_cuda_version);
  visit("execution_timeout_ms", value.execution_timeout_ms);
  visit("request_ttl_ms", value.request_ttl_ms);
  visit("flash_boot", value.flash_boot);
  visit("flash_environment_id", value.flash_environment_id);
  visit("compliance", value.compliance);
  visit("hub_release_id", value.hub_release_id);
  visit("volumes", value.volumes);
  visit("model_references", value.model_references);
  visit("version", value.version);
  visit("created_ms", value.created);
  visit("retention_async_s", value.retention_async_s);
  visit("retention_sync_s", value.retention_sync_s);
}

template <IsA<core::CountersSaved> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("endpoint", value.endpoint);
  visit("completed", value.counters.completed);
  visit("failed", value.counters.failed);
  visit("retried", value.counters.retried);
  visit("last_request_ms", value.last_request);
}

/// Without input and s3_config, which are payloads.
template <IsA<core::JobRequest> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("endpoint", value.endpoint);
  visit("sync", value.sync);
  visit("execution_timeout_ms", value.execution_timeout);
  visit("ttl_ms", value.ttl);
  visit("priority", value.priority);
  visit("created_ms", value.created);
  visit("traceparent", value.traceparent);
  visit("idempotency_key", value.idempotency_key);
  visit("webhook", value.webhook);
  visit("batch", value.batch);
}

template <IsA<core::JobState> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("status", value.status);
  visit("attempt", value.attempt);
  visit("retries", value.retries);
  visit("queued_ms", value.queued);
  visit("started_ms", value.started);
  visit("finished_ms", value.finished);
  visit("worker", value.worker);
  visit("error", value.error);
  visit("ttl_deadline_ms", value.ttl_deadline);
  visit("expires_ms", value.expires);
  visit("chunks_delivered", value.chunks_delivered);
}

template <IsA<core::Worker> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("endpoint", value.endpoint);
  visit("release", value.release);
  visit("external", value.external);
  visit("node", value.placement.node);
  visit("pool", value.placement.pool);
  visit("gpu_type", value.placement.gpu_type);
  visit("gpus", value.placement.gpus);
  visit("created_ms", value.created);
  visit("ready_ms", value.ready);
  visit("draining", value.draining);
  visit("launch_handle", value.launch_handle);
  visit("gpu_uuids", value.placement.uuids);
  visit("start_kind", value.start.kind);
  visit("start_decided_ms", value.start.decided);
  visit("start_placed_ms", value.start.placed);
  visit("start_launched_ms", value.start.launched);
  visit("start_up_ms", value.start.up);
  visit("start_polled_ms", value.start.polled);
  visit("start_job_ms", value.start.job);
  visit("frozen_ms", value.frozen);
  visit("gpu_parked", value.gpu_parked);
}

template <IsA<core::NetworkVolume> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("name", value.name);
  visit("size_gb", value.size_gb);
  visit("data_center", value.data_center);
  visit("created_ms", value.created);
}

template <IsA<core::Secret> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("name", value.name);
  visit("description", value.description);
  visit("sealed", value.sealed);
  visit("created_ms", value.created);
  visit("updated_ms", value.updated);
}

template <IsA<core::RegistryCredential> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("name", value.name);
  visit("sealed", value.sealed);
  visit("created_ms", value.created);
}

template <IsA<core::Batch> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("endpoint", value.endpoint);
  visit("name", value.name);
  visit("status", value.status);
  visit("requests", value.requests);
  visit("input_bytes", value.input_bytes);
  visit("completed", value.completed);
  visit("failed", value.failed);
  visit("created_ms", value.created);
  visit("finalized_ms", value.finalized);
  visit("cancel_asked_ms", value.cancel_asked);
  visit("ended_ms", value.ended);
  visit("expires_ms", value.expires);
}

template <IsA<core::GpuMark> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("node", value.node);
  visit("device", value.index);
  visit("type", value.type);
  visit("reason", value.reason);
  visit("since_ms", value.since);
  visit("released_ms", value.released);
}

/// Without state, which changes, and without input and output, which are payloads.
template <IsA<core::WebhookDelivery> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("id", value.id);
  visit("owner", value.owner);
  visit("endpoint", value.endpoint);
  visit("job", value.job);
  visit("url", value.url);
  visit("created_ms", value.created);
  visit("job_status", value.content.status);
  visit("job_error", value.content.error);
  visit("delay_ms", value.content.delay_ms);
  visit("execution_ms", value.content.execution_ms);
  visit("job_retries", value.content.retries);
  visit("worker", value.content.worker);
  visit("input_omitted", value.content.input_omitted);
  visit("output_omitted", value.content.output_omitted);
  visit("traceparent", value.content.traceparent);
}

template <IsA<core::DeliveryState> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("status", value.status);
  visit("attempts", value.attempts);
  visit("round_attempts", value.round_attempts);
  visit("round_started_ms", value.round_started);
  visit("next_ms", value.next);
  visit("last_attempt_ms", value.last_attempt);
  visit("last_code", value.last_code);
  visit("last_error", value.last_error);
  visit("settled_ms", value.settled);
  visit("expires_ms", value.expires);
}

template <IsA<core::Release> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("endpoint", value.endpoint);
  visit("version", value.version);
  visit("created_ms", value.created);
  visit("rollback_of", value.rollback_of);
  visit("changes", value.changes);
  visit("template_id", value.settings.template_id);
  visit("gpu_ids", value.settings.gpu_ids);
  visit("gpu_count", value.settings.gpu_count);
  visit("instance_ids", value.settings.instance_ids);
  visit("allowed_cuda_versions", value.settings.allowed_cuda_versions);
  visit("min_cuda_version", value.settings.min_cuda_version);
  visit("locations", value.settings.locations);
  visit("data_center_ids", value.settings.data_center_ids);
  visit("env", value.settings.env);
  visit("volumes", value.settings.volumes);
  visit("image", value.settings.image);
  visit("docker_args", value.settings.docker_args);
  visit("template_env", value.settings.template_env);
  visit("ports", value.settings.ports);
  visit("container_disk_gb", value.settings.container_disk_gb);
  visit("volume_mount_path", value.settings.volume_mount_path);
  visit("registry_auth_id", value.settings.registry_auth_id);
  visit("start_script", value.settings.start_script);
}

template <IsA<core::UsageRow> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("endpoint", value.endpoint);
  visit("pool", value.pool);
  visit("hour_ms", value.hour);
  visit("owner", value.owner);
  visit("metered_ms", value.metered);
  visit("starting_ms", value.worker_ms[0]);
  visit("idle_ms", value.worker_ms[1]);
  visit("active_ms", value.worker_ms[2]);
  visit("frozen_ms", value.worker_ms[3]);
  visit("starting_gpu_ms", value.gpu_ms[0]);
  visit("idle_gpu_ms", value.gpu_ms[1]);
  visit("active_gpu_ms", value.gpu_ms[2]);
  visit("frozen_gpu_ms", value.gpu_ms[3]);
  visit("price", value.price);
  visit("discount", value.discount);
}

template <IsA<core::EndpointPlaces> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("endpoint", value.endpoint);
  visit("places", value.places);
}

template <IsA<core::Budget> Value, class Visit>
void each_field(Value& value, Visit&& visit) {
  visit("owner", value.owner);
  visit("endpoint", value.endpoint);
  visit("per_day", value.per_day);
  visit("unit", value.unit);
  visit("action", value.action);
}

}  // namespace penstock::store
