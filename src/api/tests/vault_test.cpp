#include "api/auth/vault.h"

#include <gtest/gtest.h>

#include "api/auth/keys.h"

namespace penstock::api {
namespace {

struct VaultTest : testing::Test {
  void SetUp() override { ASSERT_TRUE(init_crypto()); }

  Vault vault{std::string(32, 'k')};
};

TEST_F(VaultTest, what_was_sealed_is_opened) {
  for (const std::string& value :
       {std::string(), std::string("s3cret"), std::string("\0\xff\n", 3), std::string(100'000, 'x')}) {
    const auto opened = vault.open(vault.seal(value));
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, value);
  }
}

TEST_F(VaultTest, sealed_text_shows_nothing_and_differs_each_time) {
  const std::string sealed = vault.seal("correct horse battery staple");
  EXPECT_EQ(sealed.find("horse"), std::string::npos);
  EXPECT_NE(sealed, vault.seal("correct horse battery staple"));
  for (const char c : sealed) EXPECT_TRUE(c > ' ' && c <= '~') << "printable";
}

TEST_F(VaultTest, another_key_or_a_changed_text_opens_nothing) {
  const std::string sealed = vault.seal("s3cret");
  const auto other = Vault(std::string(32, 'o')).open(sealed);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::unavailable);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(vault.open(changed)) << i;
  }
  for (const char* bad : {"", "AAAA", "not base64!"}) EXPECT_FALSE(vault.open(bad)) << bad;
  EXPECT_FALSE(vault.open(sealed.substr(0, sealed.size() - 4)));
}

}  // namespace
}  // namespace penstock::api
