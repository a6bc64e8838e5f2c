#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "core/model/bytes.h"
#include "core/model/job.h"

namespace penstock::core {

/// The last two are settled: nothing more is sent unless somebody asks for it.
enum class DeliveryStatus { pending, delivered, failed };

std::string_view to_text(DeliveryStatus status);  // "PENDING"
std::optional<DeliveryStatus> parse_delivery_status(std::string_view text);

/// What a webhook tells: the job as it was when it ended, whatever becomes of the job afterwards.
struct WebhookContent {
  JobStatus status = JobStatus::completed;
  std::optional<std::string> error;
  std::int64_t delay_ms = 0;
  std::int64_t execution_ms = 0;
  int retries = 0;
  WorkerId worker;
  bool input_omitted = false;  // too large for a webhook
  bool output_omitted = false;
  std::string traceparent;  // the client's; empty: none
  Bytes input;              // null: omitted, or left in the store
  Bytes output;             // null: none, omitted, or left in the store
};

/// How far a delivery is. A round begins when the job ends, and again with each redelivery.
struct DeliveryState {
  DeliveryStatus status = DeliveryStatus::pending;
  int attempts = 0;        // that ended, over all rounds
  int round_attempts = 0;  // of the present round
  Time round_started{};
  Time next{};  // pending: when to try
  std::optional<Time> last_attempt;
  std::optional<int> last_code;  // HTTP status of the last attempt; none: there was no answer
  std::string last_error;        // empty after a success
  std::optional<Time> settled;
  Time expires{};  // settled: when it is forgotten

  friend bool operator==(const DeliveryState&, const DeliveryState&) = default;
};

/// One webhook of one job that ended. Its id is the same in every attempt and redelivery.
struct WebhookDelivery {
  DeliveryId id;
  AccountId owner;
  EndpointId endpoint;  // which may be deleted meanwhile
  JobId job;
  std::string url;
  Time created{};
  WebhookContent content;
  DeliveryState state;
};

/// Which deliveries to list, newest first. Ids grow with time.
struct DeliveryQuery {
  AccountId owner;
  std::optional<EndpointId> endpoint;
  std::optional<JobId> job;
  std::optional<DeliveryStatus> status;
  std::optional<DeliveryId> before;  // only older ones: the next page
  int count = 100;
};

}  // namespace penstock::core
