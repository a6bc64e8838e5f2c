#include "net/address_rules.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

AddressRules rules(bool allow_private, std::string_view networks = "") {
  auto made = AddressRules::make(allow_private, networks);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return std::move(*made);
}

struct Case {
  const char* address;
  const char* strict;  // why it is refused; null: accepted
  const char* open;    // the same with allow_private
};

constexpr Case kCases[] = {
    {"8.8.8.8", nullptr, nullptr},
    {"1.1.1.1", nullptr, nullptr},
    {"172.15.255.255", nullptr, nullptr},
    {"172.32.0.0", nullptr, nullptr},
    {"100.63.255.255", nullptr, nullptr},
    {"100.128.0.0", nullptr, nullptr},
    {"192.167.255.255", nullptr, nullptr},
    {"11.0.0.0", nullptr, nullptr},
    {"223.255.255.255", nullptr, nullptr},
    {"2606:4700:4700::1111", nullptr, nullptr},
    {"2a00:1450:4001::1", nullptr, nullptr},
    {"::ffff:8.8.8.8", nullptr, nullptr},
    {"64:ff9b::8.8.8.8", nullptr, nullptr},

    {"127.0.0.1", "loopback", nullptr},
    {"127.255.255.254", "loopback", nullptr},
    {"::1", "loopback", nullptr},
    {"::ffff:127.0.0.1", "loopback", nullptr},
    {"::7f00:1", "loopback", nullptr},
    {"64:ff9b::7f00:1", "loopback", nullptr},
    {"2002:7f00:1::", "loopback", nullptr},
    {"10.0.0.1", "private", nullptr},
    {"10.255.255.255", "private", nullptr},
    {"172.16.0.1", "private", nullptr},
    {"172.31.255.255", "private", nullptr},
    {"192.168.1.1", "private", nullptr},
    {"100.64.0.1", "private", nullptr},
    {"::ffff:10.0.0.1", "private", nullptr},
    {"::ffff:192.168.0.1", "private", nullptr},
    {"2002:c0a8:101::", "private", nullptr},
    {"fc00::1", "unique local", nullptr},
    {"fd12:3456::1", "unique local", nullptr},

    {"169.254.169.254", "metadata", "metadata"},
    {"::ffff:169.254.169.254", "metadata", "metadata"},
    {"64:ff9b::a9fe:a9fe", "metadata", "metadata"},
    {"100.100.100.200", "metadata", "metadata"},
    {"192.0.0.192", "metadata", "metadata"},
    {"fd00:ec2::254", "metadata", "metadata"},
    {"169.254.0.1", "link-local", "link-local"},
    {"fe80::1", "link-local", "link-local"},
    {"fe80::1%1", "link-local", "link-local"},
    {"febf::1", "link-local", "link-local"},
    {"0.0.0.0", "unspecified", "unspecified"},
    {"0.1.2.3", "unspecified", "unspecified"},
    {"::", "unspecified", "unspecified"},
    {"::ffff:0.0.0.0", "unspecified", "unspecified"},
    {"224.0.0.1", "multicast", "multicast"},
    {"239.255.255.255", "multicast", "multicast"},
    {"ff02::1", "multicast", "multicast"},
    {"255.255.255.255", "reserved", "reserved"},
    {"240.0.0.1", "reserved", "reserved"},
    {"192.0.0.1", "reserved", "reserved"},
    {"198.18.0.1", "reserved", "reserved"},
    {"192.0.2.1", "documentation", "documentation"},
    {"198.51.100.1", "documentation", "documentation"},
    {"203.0.113.1", "documentation", "documentation"},
    {"2001:db8::1", "documentation", "documentation"},
    {"2001::1", "reserved", "reserved"},
    {"fec0::1", "reserved", "reserved"},
    {"100::1", "reserved", "reserved"},
    {"4000::1", "reserved", "reserved"},
    {"not an address", "is not an address", "is not an address"},
    {"127.1", "is not an address", "is not an address"},
};

void expect(const AddressRules& under, const char* address, const char* why) {
  const auto refusal = under.refusal(address);
  if (why == nullptr) {
    EXPECT_FALSE(refusal.has_value()) << address << ": " << refusal.value_or("");
  } else {
    ASSERT_TRUE(refusal.has_value()) << address << " should be refused as " << why;
    EXPECT_NE(refusal->find(why), std::string::npos) << *refusal;
  }
}

TEST(AddressRules, KnowEveryKindOfAddress) {
  const AddressRules strict = rules(false);
  const AddressRules open = rules(true);
  for (const Case& one : kCases) {
    expect(strict, one.address, one.strict);
    expect(open, one.address, one.open);
  }
}

TEST(AddressRules, AcceptListedNetworksWhateverTheyAre) {
  const AddressRules listed = rules(false, "10.20.0.0/16, 192.168.1.7,fd00::/8 , 169.254.169.254/32, 127.0.0.0/9");
  for (const char* address : {"10.20.0.1", "10.20.255.255", "::ffff:10.20.3.4", "192.168.1.7", "fd00::1", "fdff::1",
                              "169.254.169.254", "127.127.0.1", "8.8.8.8"}) {
    expect(listed, address, nullptr);
  }
  expect(listed, "10.21.0.0", "private");
  expect(listed, "10.19.255.255", "private");
  expect(listed, "192.168.1.8", "private");
  expect(listed, "fc00::1", "unique local");
  expect(listed, "127.128.0.1", "loopback");
  expect(rules(false, "0.0.0.0/0"), "10.0.0.1", nullptr);
  expect(rules(false, "0.0.0.0/0"), "fe80::1", "link-local");
}

TEST(AddressRules, RefuseWhatIsNoNetworkAndNameIt) {
  for (const char* text :
       {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "localhost", "/8", "fe80::1%1"}) {
    const auto made = AddressRules::make(false, std::string("1.2.3.4,") + text);
    ASSERT_FALSE(made.has_value()) << text;
    EXPECT_EQ(made.error().code, Errc::invalid);
    EXPECT_EQ(made.error().message.find("\"" + std::string(text) + "\" is not a network"), 0u) << made.error().message;
  }
}

}  // namespace
}  // namespace penstock::net
