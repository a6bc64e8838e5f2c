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

}  // namespace
}  // namespace penstock::api
