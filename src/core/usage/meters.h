#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/usage.h"

namespace penstock::core {

/// What GPUs cost, for the rows of usage.
struct Prices {
  std::map<std::string, std::int64_t, std::less<>> per_hour;  // by pool, millionths of the currency
  int discount = 0;                                           // millionths taken off ...
  std::optional<Time> discount_until;                         // ... in hours that begin before
};

/// Millionths that are taken off in the hour of `time`.
int discount_at(const Prices& prices, Time time);

/// Meters the time of the server's own workers, by endpoint, pool, hour and what they did.
///
/// Time is added up in memory and becomes durable by take_changed(). A row says until when it is metered, so that after
/// a crash exactly what is missing is added: the sums of a pool's rows are the lives of its workers, to the
/// millisecond. How the last stretch before a crash is shared out between the states is then as the workers are found.
///
/// Adding costs the same however many workers there are: a meter counts them by state.
class UsageMeters {
 public:
  class Meter;

  explicit UsageMeters(Prices prices) : prices_(std::move(prices)) {}

  /// Once, before the rest: rows that a store kept, of the last day at least.
  void restore(const std::vector<UsageRow>& rows);

  /// The meter of the endpoint's workers in a pool; there for ever. Without GPUs the pool is empty.
  Meter& meter(const AccountId& owner, const EndpointId& endpoint, const std::string& pool);
  /// Until when a worker's time may be durable already; its own beginning aside.
  Time metered(const Meter& meter) const;

  /// A worker whose time runs since `since`, at most `now`, in this state all the while. After a restart: since its own
  /// beginning or metered() as it was before any worker entered, whichever is later.
  void enter(Meter& meter, UsageState state, int gpus, Time since, Time now);
  void move(Meter& meter, UsageState from, UsageState to, int gpus, Time now);
  void leave(Meter& meter, UsageState state, int gpus, Time now);

  /// Rows that changed since they were taken, metered until now: of one meter, of one endpoint, or all.
  std::vector<UsageRow> take_changed(Meter& meter, Time now);
  std::vector<UsageRow> take_changed(const EndpointId& endpoint, Time now);
  std::vector<UsageRow> take_all_changed(Time now);

  /// On the day (UTC) of `now`, up to now.
  Spent spent_by(const EndpointId& endpoint, Time now);
  Spent spent_by(const AccountId& owner, Time now);
  /// What is spent in a millisecond as things are.
  struct Pace {
    std::int64_t gpus = 0;
    double money = 0;
  };
  Pace pace_of(const EndpointId& endpoint, Time now) const;
  Pace pace_of(const AccountId& owner, Time now) const;

 private:
  /// What an endpoint or an account spends today.
  struct Purse {
    Time at{};  // until when
    Spent spent;
    std::int64_t gpus = 0;               // that are charged for
    std::map<std::string, int> charged;  // by pool: GPUs, or workers without any
  };

  void advance(Meter& meter, Time now);
  void charge(Meter& meter, UsageState state, int workers, int gpus, Time from, Time to);
  UsageRow& row_of(Meter& meter, Time hour);
  int discount_at(Time time) const { return core::discount_at(prices_, time); }
  std::int64_t price_of(const std::string& pool) const;
  double money_for(const Purse& purse, Time from, Time to) const;
  Pace pace_of(const Purse& purse, Time now) const;
  void advance(Purse& purse, Time now) const;
  void charge_worker(const Meter& meter, UsageState state, int gpus, int sign, Time now);
  void catch_up(Purse& purse, const Meter& meter, int gpus, Time since, Time now) const;

  Prices prices_;
  std::map<std::pair<EndpointId, std::string>, Meter> meters_;
  std::map<std::pair<EndpointId, std::string>, Meter*> running_;  // in an order that does not depend on addresses
  std::map<EndpointId, Purse> endpoint_purses_;
  std::map<AccountId, Purse> account_purses_;
};

class UsageMeters::Meter {
 private:
  friend UsageMeters;

  struct Count {
    int workers = 0;
    int gpus = 0;
  };
  struct Row {
    UsageRow value;
    bool changed = false;
  };

  AccountId owner_;
  EndpointId endpoint_;
  std::string pool_;
  Time at_{};
  int workers_ = 0;
  std::array<Count, kUsageStates> counts_{};
  std::map<Time, Row> rows_;  // by hour; older ones go once they are taken
};

Time hour_of(Time time);
/// When the next day (UTC) begins.
Time next_day(Time time);

}  // namespace penstock::core
