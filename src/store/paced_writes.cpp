#include "store/paced_writes.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <initializer_list>

namespace penstock::store {
namespace {

constexpr std::size_t kAheadMax = 96 * 1024;  // about a tenth of a millisecond of a usual disk

ssize_t paced_pwrite(int file, const void* bytes, size_t count, off_t offset) {
  thread_local WritePace pace;
  const ssize_t written = ::pwrite(file, bytes, count, offset);
  if (written > 0) pace.wrote(file, static_cast<std::size_t>(written));
  return written;
}

}  // namespace

void WritePace::wrote(int file, std::size_t bytes) {
  ahead_ += bytes;
  if (ahead_ < kAheadMax) return;
  ahead_ = 0;
  const unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  static_cast<void>(::sync_file_range(file, 0, 0, flags));  // what goes wrong is told by the sync that follows
}

void pace_sqlite() {
  sqlite3_vfs* const files = sqlite3_vfs_find(nullptr);
  if (files == nullptr || files->iVersion < 3) return;
  for (const char* const call : {"pwrite", "pwrite64"}) {
    if (files->xGetSystemCall(files, call) == nullptr) continue;
    files->xSetSystemCall(files, call, reinterpret_cast<sqlite3_syscall_ptr>(&paced_pwrite));
  }
}

}  // namespace penstock::store
