// What every store promises about webhook deliveries (store/store.h).

#include "store_rig.h"

namespace penstock::store::contract {
namespace {

class WebhookStoreContract : public StoreRig {};

INSTANTIATE_TEST_SUITE_P(Stores, WebhookStoreContract, every_store(), store_name);

/// A delivery as lists show it.
core::WebhookDelivery without_content(core::WebhookDelivery delivery) {
  delivery.content.input = nullptr;
  delivery.content.output = nullptr;
  return delivery;
}

TEST_P(WebhookStoreContract, WebhookDeliveriesComeBackWhole) {
  core::WebhookDelivery pending = full_delivery("whd_1");
  pending.state.status = core::DeliveryStatus::pending;
  const core::WebhookDelivery settled = full_delivery("whd_2");
  const core::WebhookDelivery bare = bare_delivery("whd_3");
  commit({core::WebhookAdded{pending}, core::WebhookAdded{settled}, core::WebhookAdded{bare}});
  for (const bool again : {false, true}) {
    if (again) restart();
    core::StoredState wanted;
    wanted.deliveries = {without_content(pending), without_content(bare)};
    expect_same(*store().load(), wanted);
    for (const auto& one : {pending, settled, bare}) {
      const auto found = store().find_delivery(one.id);
      ASSERT_TRUE(found && *found) << one.id.str();
      expect_same_delivery(**found, one);
    }
  }
  EXPECT_FALSE(store().find_delivery(id<DeliveryId>("whd_4"))->has_value());
}

TEST_P(WebhookStoreContract, AWebhookDeliverysChangesReplaceItsState) {
  core::WebhookDelivery delivery = full_delivery("whd_1");
  core::DeliveryState changed = delivery.state;
  changed.status = core::DeliveryStatus::delivered;
  changed.attempts = 10;
  changed.last_code.reset();
  changed.settled.reset();
  commit({core::WebhookAdded{delivery}, core::WebhookChanged{delivery.id, delivery.state},
          core::WebhookChanged{delivery.id, changed}, core::WebhookChanged{id<DeliveryId>("whd_9"), changed}});
  delivery.state = changed;
  expect_same_delivery(**restarted().find_delivery(delivery.id), delivery);
  EXPECT_FALSE(store().find_delivery(id<DeliveryId>("whd_9"))->has_value());
}

TEST_P(WebhookStoreContract, WebhookDeliveriesAreListedNewestFirstAndInPages) {
  using Query = core::DeliveryQuery;
  const auto names = [this](void (*restrict_to)(Query&)) {
    Query query;
    query.owner = id<AccountId>("acc-1");
    restrict_to(query);
    const auto found = store().list_deliveries(query);
    EXPECT_TRUE(found);
    std::string all;
    for (const auto& one : *found) {
      EXPECT_EQ(one.content.input, nullptr);
      all += one.id.str().substr(4);
    }
    return all;
  };
  Turn turn;
  for (const char* name : {"whd_b", "whd_a", "whd_d", "whd_c", "whd_e"}) {
    core::WebhookDelivery delivery = full_delivery(name);
    if (std::string_view(name) == "whd_c") delivery.endpoint = id<EndpointId>("ep-2");
    if (std::string_view(name) == "whd_d") delivery.job = id<JobId>("job-2");
    if (std::string_view(name) == "whd_b") delivery.state.status = core::DeliveryStatus::delivered;
    if (std::string_view(name) == "whd_e") delivery.owner = id<AccountId>("acc-2");
    turn.push_back(core::WebhookAdded{delivery});
  }
  commit(turn);
  restart();
  EXPECT_EQ(names([](Query&) {}), "dcba");
  EXPECT_EQ(names([](Query& q) { q.endpoint = id<EndpointId>("ep-2"); }), "c");
  EXPECT_EQ(names([](Query& q) { q.job = id<JobId>("job-2"); }), "d");
  EXPECT_EQ(names([](Query& q) { q.status = core::DeliveryStatus::delivered; }), "b");
  EXPECT_EQ(names([](Query& q) {
              q.endpoint = id<EndpointId>("ep-1");
              q.status = core::DeliveryStatus::failed;
            }),
            "da");
  EXPECT_EQ(names([](Query& q) { q.count = 2; }), "dc");
  EXPECT_EQ(names([](Query& q) {
              q.before = id<DeliveryId>("whd_c");
              q.count = 2;
            }),
            "ba");
  EXPECT_EQ(names([](Query& q) { q.before = id<DeliveryId>("whd_a"); }), "");
}

TEST_P(WebhookStoreContract, OnlySettledWebhookDeliveriesWhoseTimeHasComeAreForgotten) {
  const auto delivery = [](const char* name, core::DeliveryStatus status, int expires) {
    core::WebhookDelivery made = bare_delivery(name);
    made.state.status = status;
    made.state.expires = from_ms(expires);
    return core::WebhookAdded{made};
  };
  commit({delivery("whd_1", core::DeliveryStatus::pending, 5), delivery("whd_2", core::DeliveryStatus::delivered, 5),
          delivery("whd_3", core::DeliveryStatus::failed, 5), delivery("whd_4", core::DeliveryStatus::failed, 6)});
  commit({core::EndpointRemoved{id<EndpointId>("ep-1")}, core::JobsForgotten{from_ms(5)}});
  restart();
  for (const auto& [name, there] : {std::pair("whd_1", true), {"whd_2", false}, {"whd_3", false}, {"whd_4", true}}) {
    EXPECT_EQ(store().find_delivery(id<DeliveryId>(name))->has_value(), there) << name;
  }
}

TEST_P(WebhookStoreContract, WhatIsForgottenAndAddedAgainInTheLogIsFoundAsItIs) {
  core::WebhookDelivery delivery = full_delivery("whd_1");
  commit({core::WebhookAdded{delivery}});
  commit({core::JobsForgotten{delivery.state.expires}});
  EXPECT_FALSE(store().find_delivery(delivery.id)->has_value());
  commit({core::WebhookChanged{delivery.id, delivery.state}});
  EXPECT_FALSE(store().find_delivery(delivery.id)->has_value());
  commit({core::WebhookAdded{delivery}});
  expect_same_delivery(**store().find_delivery(delivery.id), delivery);
  delivery.state.attempts = 77;
  commit({core::WebhookChanged{delivery.id, delivery.state}});
  expect_same_delivery(**store().find_delivery(delivery.id), delivery);
  expect_same_delivery(**restarted().find_delivery(delivery.id), delivery);
}

}  // namespace
}  // namespace penstock::store::contract
