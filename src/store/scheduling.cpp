#include "store/scheduling.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace penstock::store {
namespace {

constexpr int kNice = 10;
constexpr std::uint64_t kShortSlice = 100'000;  // ns; the shortest that Linux grants

/// struct sched_attr of sched_setattr(2), which not every C library has.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice = 0;  // sched_runtime; before Linux 6.12 it means nothing here
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(Attributes) == 48);

}  // namespace

void run_when_others_do_not() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

void run_soon_and_briefly() {
  if (::sched_getscheduler(0) != SCHED_OTHER) return;  // somebody chose otherwise
  Attributes wish;
  wish.nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  wish.slice = kShortSlice;
  ::syscall(SYS_sched_setattr, 0, &wish, 0U);
}

}  // namespace penstock::store
