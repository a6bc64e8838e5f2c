#pragma once

#include <optional>
#include <vector>

#include "core/model/webhook.h"
#include "store/sqlite_db.h"

namespace penstock::store {

/// The tables `webhook_deliveries` and `webhook_payloads`. A payload is written once and read when it is sent; a change
/// of the delivery's state touches the small row only.
class DeliveryRows {
 public:
  explicit DeliveryRows(Database& db);

  void add(const core::WebhookDelivery& delivery);
  void change(const DeliveryId& id, const core::DeliveryState& state);
  void forget(Time expired_at);

  /// In order of creation, without input and output.
  std::vector<core::WebhookDelivery> load_pending();
  /// Whole.
  std::optional<core::WebhookDelivery> find(const DeliveryId& id);
  /// Newest first, without input and output.
  std::vector<core::WebhookDelivery> list(const core::DeliveryQuery& query);

 private:
  static core::WebhookDelivery read(Statement& row);

  Database& db_;
  Statement put_;
  Statement put_payload_;
  Statement change_;
  Statement find_;
  Statement find_payload_;
  Statement forget_[2];
};

}  // namespace penstock::store
