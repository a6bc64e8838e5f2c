#include <algorithm>
#include <array>
#include <utility>

#include "core/model/batch.h"
#include "core/model/endpoint.h"
#include "core/model/job.h"
#include "core/model/webhook.h"
#include "core/model/worker.h"

namespace penstock::core {
namespace {

template <class T, std::size_t N>
using Names = std::array<std::pair<T, std::string_view>, N>;

constexpr Names<ScalerType, 2> kScalerTypes{
    {{ScalerType::queue_delay, "QUEUE_DELAY"}, {ScalerType::request_count, "REQUEST_COUNT"}}};
constexpr Names<FlashBoot, 3> kFlashBoots{{{FlashBoot::off, "OFF"},
                                           {FlashBoot::flashboot, "FLASHBOOT"},
                                           {FlashBoot::priority_flashboot, "PRIORITY_FLASHBOOT"}}};
constexpr Names<StartKind, 4> kStartKinds{{{StartKind::spawned, "spawned"},
                                           {StartKind::forked, "forked"},
                                           {StartKind::thawed, "thawed"},
                                           {StartKind::attached, "attached"}}};
constexpr Names<Priority, 3> kPriorities{
    {{Priority::high, "high"}, {Priority::normal, "normal"}, {Priority::low, "low"}}};
constexpr Names<JobStatus, 6> kJobStatuses{{{JobStatus::in_queue, "IN_QUEUE"},
                                            {JobStatus::in_progress, "IN_PROGRESS"},
                                            {JobStatus::completed, "COMPLETED"},
                                            {JobStatus::failed, "FAILED"},
                                            {JobStatus::cancelled, "CANCELLED"},
                                            {JobStatus::timed_out, "TIMED_OUT"}}};

constexpr Names<BatchStatus, 4> kBatchStatuses{{{BatchStatus::draft, "DRAFT"},
                                                {BatchStatus::finalized, "FINALIZED"},
                                                {BatchStatus::failed, "FAILED"},
                                                {BatchStatus::cancelled, "CANCELLED"}}};

constexpr Names<DeliveryStatus, 3> kDeliveryStatuses{{{DeliveryStatus::pending, "PENDING"},
                                                      {DeliveryStatus::delivered, "DELIVERED"},
                                                      {DeliveryStatus::failed, "FAILED"}}};

template <class T, std::size_t N>
std::string_view name_of(const Names<T, N>& names, T value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

template <class T, std::size_t N>
std::optional<T> value_of(const Names<T, N>& names, std::string_view text) {
  for (const auto& [known, name] : names) {
    if (name == text) return known;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(ScalerType value) {
  return name_of(kScalerTypes, value);
}
std::string_view to_text(FlashBoot value) {
  return name_of(kFlashBoots, value);
}
std::string_view to_text(StartKind value) {
  return name_of(kStartKinds, value);
}
std::string_view to_text(Priority value) {
  return name_of(kPriorities, value);
}
std::string_view to_text(JobStatus value) {
  return name_of(kJobStatuses, value);
}
std::string_view to_text(BatchStatus value) {
  return name_of(kBatchStatuses, value);
}
std::string_view to_text(DeliveryStatus value) {
  return name_of(kDeliveryStatuses, value);
}
std::optional<ScalerType> parse_scaler_type(std::string_view text) {
  return value_of(kScalerTypes, text);
}
std::optional<StartKind> parse_start_kind(std::string_view text) {
  return value_of(kStartKinds, text);
}
std::optional<FlashBoot> parse_flash_boot(std::string_view text) {
  return value_of(kFlashBoots, text);
}
std::optional<Priority> parse_priority(std::string_view text) {
  return value_of(kPriorities, text);
}
std::optional<JobStatus> parse_job_status(std::string_view text) {
  return value_of(kJobStatuses, text);
}

std::optional<BatchStatus> parse_batch_status(std::string_view text) {
  return value_of(kBatchStatuses, text);
}

std::optional<DeliveryStatus> parse_delivery_status(std::string_view text) {
  return value_of(kDeliveryStatuses, text);
}

namespace {

/// Never below zero, also when the wall clock was set back while the server was down.
std::int64_t since(Time from, Time to) {
  return std::max(to - from, Millis{0}).count();
}

}  // namespace

std::optional<std::int64_t> delay_ms(const JobState& state) {
  if (state.status == JobStatus::in_queue || !state.started) return std::nullopt;
  return since(state.queued, *state.started);
}

std::optional<std::int64_t> execution_ms(const JobState& state) {
  if (!is_terminal(state.status)) return std::nullopt;
  return state.started && state.finished ? since(*state.started, *state.finished) : 0;
}

}  // namespace penstock::core
