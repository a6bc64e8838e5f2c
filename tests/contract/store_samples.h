#pragma once

#include <string>
#include <string_view>

#include "core/records.h"
#include "store/store.h"

namespace penstock::store::contract {

/// Bytes that a careless store would lose: zero bytes, both kinds of line end, quotes, invalid and valid UTF-8.
std::string awkward_text(std::string_view mark);

template <class Kind>
Kind id(std::string_view text) {
  return Kind::parse(text).value();
}

core::Account account(std::string_view name);
core::ApiKey key(std::string_view name);
core::Template full_template(std::string_view name);
core::Template bare_template(std::string_view name);
core::Endpoint full_endpoint(std::string_view name);
core::Endpoint bare_endpoint(std::string_view name);
core::NetworkVolume volume(std::string_view name);
core::Secret secret(std::string_view name);
core::RegistryCredential credential(std::string_view name);
core::GpuMark gpu_mark(std::string_view name);
core::Release release(std::string_view endpoint, int version);
/// So many with GPUs, and one without.
core::EndpointPlaces places(std::string_view endpoint, int count);
core::UsageRow usage(std::string_view endpoint, std::string_view pool, int hour);
core::Budget budget(std::string_view endpoint, std::optional<std::int64_t> per_day);
core::Worker full_worker(std::string_view name, std::string_view endpoint);
core::Worker bare_worker(std::string_view name, std::string_view endpoint);

/// Every optional member is there; `full_delivery` is settled.
core::WebhookDelivery full_delivery(std::string_view name);
core::WebhookDelivery bare_delivery(std::string_view name);

core::Batch full_batch(std::string_view name, std::string_view endpoint);

/// Every optional member is there.
core::JobAdded full_job(std::string_view name, std::string_view endpoint);
/// None is.
core::JobAdded bare_job(std::string_view name, std::string_view endpoint);
core::JobState completed_state();

void expect_same(const core::StoredState& got, const core::StoredState& wanted);
void expect_same_delivery(const core::WebhookDelivery& got, const core::WebhookDelivery& wanted);
void expect_same_job(const core::StoredJob& got, const core::StoredJob& wanted);

/// The store loads what is wanted, but for terminal jobs, and finds every job of it.
void expect_holds(Store& store, const core::StoredState& wanted);

}  // namespace penstock::store::contract
