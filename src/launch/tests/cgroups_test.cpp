#include "launch/cgroups.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace penstock::launch {
namespace {

namespace fs = std::filesystem;

constexpr ResourceLimits kTwoAndFour{2, std::int64_t{4} << 30};

/// A folder that looks as the kernel's. Its files do not come by themselves, so the test makes those of the worker.
class CgroupsTest : public testing::Test {
 protected:
  CgroupsTest() {
    char name[] = "/tmp/penstock-cgroups-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~CgroupsTest() override { fs::remove_all(root_); }

  void file(const std::string& path, const std::string& text = "") {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  std::string text(const std::string& path) const {
    std::stringstream all;
    all << std::ifstream(root_ + "/" + path).rdbuf();
    return all.str();
  }
  void v2(const std::string& group) {
    file("cgroup.controllers", "cpuset cpu io memory pids");
    file("cgroup.subtree_control", "cpu memory pids");
    file(group + "/cgroup.controllers", "cpu memory pids");
    file(group + "/cgroup.subtree_control", "cpu memory");
    for (const char* name : {"cpu.max", "memory.max", "memory.oom.group", "cgroup.procs", "memory.events"}) {
      file(group + "/w1/" + name);
    }
  }

  std::string root_;
  const WorkerId worker_ = *WorkerId::parse("w1");
};

TEST_F(CgroupsTest, version_2) {
  v2("penstock");
  Cgroups groups("penstock", root_);
  ASSERT_TRUE(groups.put(worker_, 4711, kTwoAndFour));
  EXPECT_EQ(text("penstock/w1/cpu.max"), "200000 100000");
  EXPECT_EQ(text("penstock/w1/memory.max"), "4294967296");
  EXPECT_EQ(text("penstock/w1/memory.oom.group"), "1");
  EXPECT_EQ(text("penstock/w1/cgroup.procs"), "4711");
  EXPECT_FALSE(groups.ran_out_of_memory(worker_));
  file("penstock/w1/memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n");
  EXPECT_TRUE(groups.ran_out_of_memory(worker_));
}

TEST_F(CgroupsTest, version_2_hands_controllers_down_where_they_are_missing) {
  v2("a/b");
  file("a/cgroup.controllers", "cpu memory");
  file("a/cgroup.subtree_control", "cpu");
  ASSERT_TRUE(Cgroups("a/b", root_).put(worker_, 1, kTwoAndFour));
  EXPECT_EQ(text("a/cgroup.subtree_control"), "+memory") << "the kernel adds it to what is there";
  EXPECT_EQ(text("cgroup.subtree_control"), "cpu memory pids") << "nothing is missing there";
}

TEST_F(CgroupsTest, version_1) {
  for (const char* name : {"cpu.cfs_period_us", "cpu.cfs_quota_us", "cgroup.procs"}) {
    file("cpu/penstock/w1/" + std::string(name));
  }
  for (const char* name : {"memory.limit_in_bytes", "memory.oom_control", "cgroup.procs"}) {
    file("memory/penstock/w1/" + std::string(name));
  }
  Cgroups groups("penstock", root_);
  ASSERT_TRUE(groups.put(worker_, 4711, kTwoAndFour));
  EXPECT_EQ(text("cpu/penstock/w1/cpu.cfs_period_us"), "100000");
  EXPECT_EQ(text("cpu/penstock/w1/cpu.cfs_quota_us"), "200000");
  EXPECT_EQ(text("memory/penstock/w1/memory.limit_in_bytes"), "4294967296");
  EXPECT_EQ(text("cpu/penstock/w1/cgroup.procs") + text("memory/penstock/w1/cgroup.procs"), "47114711");
  file("memory/penstock/w1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  EXPECT_TRUE(groups.ran_out_of_memory(worker_));
}

TEST_F(CgroupsTest, what_is_not_allowed_is_said) {
  const auto why = [&](const std::string& group) {
    return Cgroups(group, root_).put(worker_, 1, kTwoAndFour).error().message;
  };
  EXPECT_EQ(why(""), "workers.cgroup is off");
  EXPECT_EQ(why("penstock"), root_ + " shows no control groups");
  file("cgroup.controllers", "cpuset cpu");
  file("cgroup.subtree_control", "cpu");
  EXPECT_EQ(why("penstock"), root_ + " has no controller \"memory\" to hand down");
  file("cgroup.controllers", "cpu memory");
  file("cgroup.subtree_control", "cpu memory");
  file("penstock", "a file is in its place");
  EXPECT_NE(why("penstock").find(root_ + "/penstock"), std::string::npos);
}

TEST_F(CgroupsTest, what_earlier_servers_left_goes) {
  v2("penstock");
  fs::create_directories(root_ + "/penstock/w0");
  Cgroups groups("penstock", root_);
  ASSERT_TRUE(groups.put(worker_, 1, {1, 0}));
  EXPECT_FALSE(fs::exists(root_ + "/penstock/w0"));
  EXPECT_TRUE(fs::exists(root_ + "/penstock/w1"));
  EXPECT_EQ(text("penstock/w1/memory.max"), "") << "of this there is no limit";
}

TEST_F(CgroupsTest, names) {
  for (const char* good : {"penstock", "system.slice/penstock.service/workers"}) EXPECT_TRUE(is_group_name(good));
  for (const char* bad : {"", "/penstock", "penstock/", "a//b", "../a", "a/..", "a/./b", "a\nb"}) {
    EXPECT_FALSE(is_group_name(bad)) << bad;
  }
}

/// On this machine itself, where it lets us.
TEST(CgroupsOfThisMachine, hold_a_process_to_its_memory) {
  const std::string group = "penstock-test-" + std::to_string(::getpid());
  const WorkerId worker = *WorkerId::parse("w1");
  Cgroups groups(group);
  int begin[2];
  ASSERT_EQ(::pipe(begin), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char go = 0;
    if (::read(begin[0], &go, 1) != 1) ::_exit(1);
    constexpr std::size_t kBytes = 256U << 20;
    char* memory = static_cast<char*>(::malloc(kBytes));
    for (std::size_t i = 0; memory && i < kBytes; i += 4096) memory[i] = 1;
    ::_exit(memory ? 0 : 2);
  }
  const auto done = groups.put(worker, child, {1, 64 << 20});
  EXPECT_EQ(::write(begin[1], "x", 1), 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  ::close(begin[0]);
  ::close(begin[1]);
  if (!done) {  // we may not: then the process goes on without a limit, and the reason is one
    EXPECT_EQ(done.error().code, Errc::unavailable) << done.error().message;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
    return;
  }
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  EXPECT_TRUE(groups.ran_out_of_memory(worker));
  groups.remove(worker);
  EXPECT_FALSE(groups.ran_out_of_memory(worker));
  for (const char* folder : {"/sys/fs/cgroup/", "/sys/fs/cgroup/cpu/", "/sys/fs/cgroup/memory/"}) {
    ::rmdir((folder + group).c_str());
  }
}

}  // namespace
}  // namespace penstock::launch
