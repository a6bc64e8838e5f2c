#include "cli/memory.h"

#ifdef PENSTOCK_MIMALLOC
#include <mimalloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <memory>
#endif

namespace penstock::cli {

#ifdef PENSTOCK_MIMALLOC
namespace {

/// Under load the memory of some thousand jobs becomes free when the tables have them, a few times a second, and is
/// needed again at once. Giving it back to the system each time costs a page fault for each 4 KiB of it.
void keep_free_memory_for_a_while() {
  constexpr long kMillis = 10'000;
  mi_option_set_default(mi_option_decommit_delay, kMillis);
}

/// Memory comes from a range of addresses for which the system is asked for pages of 2 MiB: with pages of 4 KiB the
/// processor looks up all the time where the memory of a job is. Where the system has none, its pages are small as
/// ever.
void ask_for_large_pages() {
  constexpr std::size_t kAddresses = std::size_t{64} << 30;  // without memory behind them until they are used
  constexpr std::size_t kSegment = std::size_t{32} << 20;    // of mimalloc, which is at a multiple of that
  std::size_t room = kAddresses + kSegment;
  void* begin = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) return;  // addresses are limited (ulimit -v): memory comes from anywhere
  std::align(kSegment, kAddresses, begin, room);
  ::madvise(begin, kAddresses, MADV_HUGEPAGE);
  mi_manage_os_memory(begin, kAddresses, false, false, true, -1);
}

}  // namespace

void prepare_memory() {
  keep_free_memory_for_a_while();
  ask_for_large_pages();
}
#else
void prepare_memory() {}
#endif

}  // namespace penstock::cli
