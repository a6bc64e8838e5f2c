#include "store/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

namespace penstock::store {
namespace {

/// What the kernel says of the calling thread; 0 where it does not.
std::uint64_t slice() {
  std::ifstream file("/proc/thread-self/sched");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("se.slice")) return std::stoull(line.substr(line.find(':') + 1));
  }
  return 0;
}

bool grants_slices() {  // since Linux 6.12
  utsname system{};
  int major = 0;
  int minor = 0;
  ::uname(&system);
  return std::sscanf(system.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 12));
}

int nice_of_this_thread() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
}

TEST(Scheduling, AShortSliceChangesNothingElse) {
  std::thread([] {
    const int before = nice_of_this_thread();
    run_soon_and_briefly();
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
    EXPECT_EQ(nice_of_this_thread(), before);
    if (grants_slices() && slice() != 0) EXPECT_EQ(slice(), 100'000U);
  }).join();
}

TEST(Scheduling, OneThatYieldsStaysSo) {
  const int before = nice_of_this_thread();
  std::thread([] {
    run_when_others_do_not();
    EXPECT_EQ(nice_of_this_thread(), 10);
    run_soon_and_briefly();
    EXPECT_EQ(nice_of_this_thread(), 10);
  }).join();
  EXPECT_EQ(nice_of_this_thread(), before) << "others are as they were";
}

}  // namespace
}  // namespace penstock::store
