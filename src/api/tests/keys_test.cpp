#include "api/auth/keys.h"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

net::Request with_key(const std::string& key) {
  net::Request request;
  request.headers.add("authorization", "Bearer " + key);
  return request;
}

TEST(WorkerKeys, OpensTheRoutesOfThatOneWorkerAlsoWhenItIsKnown) {
  const WorkerKeys keys(std::string(32, 's'));
  const EndpointId endpoint = *EndpointId::parse("ep");
  const EndpointId other = *EndpointId::parse("ep2");
  const WorkerId worker = *WorkerId::parse("w1");
  const WorkerId beside = *WorkerId::parse("w2");
  const std::string key = keys.key_of(endpoint, worker);
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(keys.allows(with_key(key), endpoint, worker));
    EXPECT_FALSE(keys.allows(with_key(key), endpoint, beside));
    EXPECT_FALSE(keys.allows(with_key(key), other, worker));
    EXPECT_FALSE(keys.allows(with_key(key + "x"), endpoint, worker));
    EXPECT_FALSE(keys.allows(with_key(key.substr(0, key.size() - 1)), endpoint, worker));
    EXPECT_FALSE(keys.allows(with_key(""), endpoint, worker));
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::string almost = key;
      almost[i] = almost[i] == '0' ? '1' : '0';
      EXPECT_FALSE(keys.allows(with_key(almost), endpoint, worker)) << i;
    }
    EXPECT_FALSE(keys.allows(with_key(keys.key_of(endpoint, beside)), endpoint, worker));
    EXPECT_FALSE(keys.allows(net::Request{}, endpoint, worker));
  }
}

TEST(WorkerKeys, ManyWorkersAreNotMixedUp) {
  const WorkerKeys keys(std::string(32, 's'));
  const EndpointId endpoint = *EndpointId::parse("ep");
  const auto name = [](int i) { return *WorkerId::parse("w" + std::to_string(i)); };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5'000; ++i) {  // more than it remembers
      ASSERT_TRUE(keys.allows(with_key(keys.key_of(endpoint, name(i))), endpoint, name(i)));
      ASSERT_FALSE(keys.allows(with_key(keys.key_of(endpoint, name(i + 1))), endpoint, name(i)));
    }
  }
}

TEST(Callers, AreToldApartAlsoAfterOneAnother) {
  const std::string key = "rpa_" + std::string(48, 'k');
  SeededRandom random(1);
  core::Engine engine({}, {}, random);
  core::StoredState state;
  state.accounts.push_back({*AccountId::parse("owner"), "owner@localhost"});
  state.keys.push_back({"key", *AccountId::parse("owner"), "key", hash_key(key)});
  core::Effects effects;
  engine.restore(Time{}, std::move(state), effects);
  const auto kind = [&](const net::Request& request) { return caller_of(request, engine, false).kind; };

  EXPECT_EQ(kind(with_key("")), Caller::Kind::unknown) << "before any key was seen";
  for (int round = 0; round < 2; ++round) {
    for (int again = 0; again < 2; ++again) {
      const Caller caller = caller_of(with_key(key), engine, false);
      ASSERT_EQ(caller.kind, Caller::Kind::known);
      EXPECT_EQ(caller.key->id, "key");
    }
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::string almost = key;
      almost[i] = '0';
      EXPECT_EQ(kind(with_key(almost)), Caller::Kind::unknown) << i;
      EXPECT_EQ(kind(with_key(key)), Caller::Kind::known) << i;
    }
    EXPECT_EQ(kind(with_key(key + "k")), Caller::Kind::unknown);
    EXPECT_EQ(kind(with_key(key.substr(1))), Caller::Kind::unknown);
    EXPECT_EQ(kind(net::Request{}), Caller::Kind::nobody);
  }
}

}  // namespace
}  // namespace penstock::api
