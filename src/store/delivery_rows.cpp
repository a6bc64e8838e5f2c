#include "store/delivery_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/row_codec.h"

namespace penstock::store {
namespace {

constexpr const char* kTable = "webhook_deliveries";
// In the words of the index webhook_deliveries_by_expiry.
constexpr const char* kForgotten = "status <> 'PENDING' AND expires_ms <= ?";

const std::vector<std::string>& state_columns() {
  static const std::vector<std::string> columns = column_names<core::DeliveryState>();
  return columns;
}

const std::vector<std::string>& all_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> all = column_names<core::WebhookDelivery>();
    all.insert(all.end(), state_columns().begin(), state_columns().end());
    return all;
  }();
  return columns;
}

void add_payload(Statement& statement, const core::Bytes& payload) {
  if (payload) {
    statement.add(*payload);
  } else {
    statement.add_null();
  }
}

core::Bytes read_payload(Statement& row, int column) {
  return row.is_null(column) ? nullptr : core::bytes(std::string(row.text(column)));
}

}  // namespace

DeliveryRows::DeliveryRows(Database& db)
    : db_(db),
      put_(db.prepare(upsert_sql(kTable, all_columns()))),
      put_payload_(db.prepare(upsert_sql("webhook_payloads", {"delivery", "input", "output"}))),
      change_(db.prepare(update_sql(kTable, "id", state_columns()))),
      find_(db.prepare(select_sql(fmt::format("{} WHERE id = ?", kTable), all_columns()))),
      find_payload_(db.prepare("SELECT input, output FROM webhook_payloads WHERE delivery = ?")),
      forget_{db.prepare(fmt::format("DELETE FROM webhook_payloads WHERE delivery IN (SELECT id FROM {} WHERE {})",
                                     kTable, kForgotten)),
              db.prepare(fmt::format("DELETE FROM {} WHERE {}", kTable, kForgotten))} {}

void DeliveryRows::add(const core::WebhookDelivery& delivery) {
  write_row(put_, delivery);
  write_row(put_, delivery.state);
  put_.run();
  put_payload_.add(delivery.id.str());
  add_payload(put_payload_, delivery.content.input);
  add_payload(put_payload_, delivery.content.output);
  put_payload_.run();
}

void DeliveryRows::change(const DeliveryId& id, const core::DeliveryState& state) {
  write_row(change_, state);
  change_.add(id.str()).run();
}

void DeliveryRows::forget(Time expired_at) {
  for (Statement& statement : forget_) statement.add(to_ms(expired_at)).run();
}

core::WebhookDelivery DeliveryRows::read(Statement& row) {
  core::WebhookDelivery delivery;
  each_field(delivery, RowReader(row));
  each_field(delivery.state, RowReader(row, static_cast<int>(all_columns().size() - state_columns().size())));
  return delivery;
}

std::vector<core::WebhookDelivery> DeliveryRows::load_pending() {
  std::vector<core::WebhookDelivery> all;
  Statement rows = db_.prepare(select_sql(fmt::format("{} WHERE status = 'PENDING'", kTable), all_columns()));
  while (rows.step()) all.push_back(read(rows));
  return all;
}

std::optional<core::WebhookDelivery> DeliveryRows::find(const DeliveryId& id) {
  const StatementReset reset(find_);
  find_.add(id.str());
  if (!find_.step()) return std::nullopt;
  core::WebhookDelivery delivery = read(find_);
  const StatementReset reset_payload(find_payload_);
  find_payload_.add(id.str());
  if (!find_payload_.step()) throw DamagedRow("webhook_payloads.delivery", "no row");
  delivery.content.input = read_payload(find_payload_, 0);
  delivery.content.output = read_payload(find_payload_, 1);
  return delivery;
}

std::vector<core::WebhookDelivery> DeliveryRows::list(const core::DeliveryQuery& query) {
  std::vector<std::string> wanted = {"owner = ?"};
  if (query.endpoint) wanted.emplace_back("endpoint = ?");
  if (query.job) wanted.emplace_back("job = ?");
  if (query.status) wanted.emplace_back("status = ?");
  if (query.before) wanted.emplace_back("id < ?");
  Statement rows = db_.prepare(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY id DESC LIMIT ?",
                                           fmt::join(all_columns(), ", "), kTable, fmt::join(wanted, " AND ")));
  rows.add(query.owner.str());
  if (query.endpoint) rows.add(query.endpoint->str());
  if (query.job) rows.add(query.job->str());
  if (query.status) rows.add(to_text(*query.status));
  if (query.before) rows.add(query.before->str());
  rows.add(std::int64_t{query.count});
  std::vector<core::WebhookDelivery> all;
  while (rows.step()) all.push_back(read(rows));
  return all;
}

}  // namespace penstock::store
