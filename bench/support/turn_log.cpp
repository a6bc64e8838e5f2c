#include "bench/support/turn_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/support/measure.h"
#include "store/log/crc32c.h"

namespace penstock::bench {
namespace {

constexpr std::uint64_t kFileBytes = 64 << 20;
constexpr std::size_t kFillBytes = 1 << 20;

struct Head {
  std::uint32_t bytes;
  std::uint32_t checksum;
  std::uint64_t sequence;
  std::uint64_t job;
  TurnLog::Kind kind;
  std::uint32_t reserved;
};

[[noreturn]] void die_errno(std::string_view what) {
  die(fmt::format("{}: {}", what, std::strerror(errno)));
}

Fd make_file(const std::string& directory) {
  std::string path = directory + "/turns-XXXXXX";
  Fd file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0) die_errno(path);
  ::unlink(path.c_str());
  const std::string zeros(kFillBytes, '\0');
  for (std::uint64_t at = 0; at < kFileBytes; at += zeros.size()) {
    const ssize_t count = ::pwrite(file.get(), zeros.data(), zeros.size(), static_cast<off_t>(at));
    if (count != static_cast<ssize_t>(zeros.size())) die_errno("filling the log with zeros");
  }
  if (::fsync(file.get()) != 0) die_errno("fsync");
  return file;
}

}  // namespace

TurnLog::TurnLog(const std::string& directory) : file_(make_file(directory)) {}

void TurnLog::add(Kind kind, std::uint64_t job, std::string_view payload) {
  const std::uint32_t checksum = store::crc32c(0, payload.data(), payload.size());
  const Head head{static_cast<std::uint32_t>(payload.size()), checksum, ++sequence_, job, kind, 0};
  turn_.append(reinterpret_cast<const char*>(&head), sizeof head);
  turn_ += payload;
}

void TurnLog::commit() {
  if (turn_.empty()) return;
  if (offset_ + turn_.size() > kFileBytes) offset_ = 0;
  const iovec part{turn_.data(), turn_.size()};
  const ssize_t count = ::pwritev2(file_.get(), &part, 1, static_cast<off_t>(offset_), RWF_DSYNC);
  if (count != static_cast<ssize_t>(turn_.size())) die_errno("writing the log");
  offset_ += turn_.size();
  turn_.clear();
}

}  // namespace penstock::bench
