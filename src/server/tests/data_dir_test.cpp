#include "server/data_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace penstock::server {
namespace {

std::string fresh(const std::string& name) {
  const std::string path = ::testing::TempDir() + "penstock_" + name + "_" + std::to_string(::getpid());
  std::filesystem::remove_all(path);
  return path;
}

TEST(DataDir, one_server_at_a_time_and_the_refusal_names_the_holder) {
  const std::string path = fresh("lock");
  {
    const auto first = DataDir::open(path, false);
    ASSERT_TRUE(first) << first.error().message;
    const auto second = DataDir::open(path, false);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("in use by penstock process " + std::to_string(::getpid())),
              std::string::npos);
  }
  EXPECT_TRUE(DataDir::open(path, false));
  std::filesystem::remove_all(path);
}

TEST(DataDir, the_secret_is_made_once_and_a_damaged_one_is_refused) {
  const std::string path = fresh("secret");
  const auto dir = DataDir::open(path, false);
  SystemRandom random;
  const auto secret = dir->secret(random);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 32u);
  EXPECT_EQ(*dir->secret(random), *secret);
  std::filesystem::resize_file(path + "/secret", 7);
  EXPECT_FALSE(dir->secret(random));
  std::filesystem::remove_all(path);
}

TEST(DataDir, the_vault_key_is_private_and_an_ephemeral_one_is_never_written) {
  const std::string path = fresh("vault");
  const auto dir = DataDir::open(path, false);
  SystemRandom random;
  const auto key = dir->vault_key(random);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->size(), 32u);
  EXPECT_EQ(*dir->vault_key(random), *key);
  EXPECT_NE(*dir->secret(random), *key);
  const auto rights = std::filesystem::status(path + "/vault.key").permissions();
  EXPECT_EQ(rights, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::resize_file(path + "/vault.key", 31);
  EXPECT_NE(dir->vault_key(random).error().message.find("vault.key is damaged"), std::string::npos);
  std::filesystem::remove_all(path);

  const auto ephemeral = DataDir::open("", true);
  ASSERT_TRUE(ephemeral->vault_key(random));
  EXPECT_FALSE(std::filesystem::exists(ephemeral->path() + "/vault.key"));
}

TEST(DataDir, an_ephemeral_directory_is_gone_afterwards) {
  std::string path;
  {
    const auto dir = DataDir::open("", true);
    ASSERT_TRUE(dir);
    path = dir->path();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(DataDir, the_last_port_is_remembered) {
  const std::string path = fresh("port");
  const auto dir = DataDir::open(path, false);
  EXPECT_EQ(dir->last_port(), 0);
  dir->remember_port(4321);
  EXPECT_EQ(dir->last_port(), 4321);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace penstock::server
