#include "server/volumes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace penstock::server {
namespace {

namespace fs = std::filesystem;

struct VolumeFolders : testing::Test {
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "penstock-volumes-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
  }
  void TearDown() override { fs::remove_all(root); }

  void fill(const std::string& directory) {
    fs::create_directories(directory + "/deep/er");
    for (int n = 0; n < 50; ++n) std::ofstream(directory + "/deep/er/" + std::to_string(n)) << "data";
    fs::create_symlink("/", directory + "/deep/outside");
  }
  /// Waits until nothing is left below the folder.
  void expect_emptied() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!fs::is_empty(root) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_TRUE(fs::is_empty(root));
  }

  fs::path root;
  VolumeId id = *VolumeId::parse("vol1");
};

TEST_F(VolumeFolders, a_volume_keeps_what_is_in_it_until_it_is_removed) {
  {
    const Volumes volumes((root / "v").string());
    fill(*volumes.directory(id));
  }
  Volumes volumes((root / "v").string());
  EXPECT_TRUE(fs::exists(*volumes.directory(id) + "/deep/er/49"));
  volumes.remove(id);
  EXPECT_FALSE(fs::exists(root / "v" / "vol1"));
  EXPECT_TRUE(fs::is_empty(*volumes.directory(id))) << "an id that comes again starts empty";
}

TEST_F(VolumeFolders, those_that_have_a_directory_are_listed) {
  Volumes volumes(root.string());
  EXPECT_TRUE(volumes.present().empty());
  ASSERT_TRUE(volumes.directory(id));
  EXPECT_EQ(volumes.present(), std::vector<VolumeId>{id});
  volumes.remove(id);
  EXPECT_TRUE(volumes.present().empty()) << "also while it is being removed";
}

TEST_F(VolumeFolders, removing_follows_no_links_and_leaves_nothing) {
  Volumes volumes(root.string());
  fill(*volumes.directory(id));
  volumes.remove(id);
  expect_emptied();
  EXPECT_TRUE(fs::exists("/tmp"));
  volumes.remove(id);
}

TEST_F(VolumeFolders, a_start_goes_on_with_what_was_not_removed) {
  fill((root / ".deleted-vol7").string());
  const Volumes volumes(root.string());
  expect_emptied();
}

TEST_F(VolumeFolders, a_folder_that_cannot_be_is_named) {
  std::ofstream(root / "file") << "x";
  const Volumes volumes((root / "file").string());
  const auto refused = volumes.directory(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().message.find("file/vol1"), std::string::npos);
}

}  // namespace
}  // namespace penstock::server
