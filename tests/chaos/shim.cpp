// Preloaded into a server (LD_PRELOAD): makes syncs slow and the wall clock jump, as the test says at any time through
// the file that CHAOS_SHIM names. It holds two numbers of 64 bits: milliseconds that the wall clock is ahead, and the
// most microseconds that a sync takes longer.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

struct Control {
  std::atomic<std::int64_t> clock_ahead_ms;
  std::atomic<std::int64_t> sync_us_max;
};

Control* open_control() {
  const char* const path = std::getenv("CHAOS_SHIM");
  const int file = path != nullptr ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return nullptr;
  void* const mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<Control*>(mapped);
}

Control* control() {
  static Control* const opened = open_control();
  return opened;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void dawdle() {
  const std::int64_t most = control() != nullptr ? control()->sync_us_max.load() : 0;
  if (most <= 0) return;
  thread_local std::uint64_t state = 88172645463325252ULL ^ reinterpret_cast<std::uintptr_t>(&state);
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  const auto us = static_cast<std::int64_t>(state % static_cast<std::uint64_t>(most));
  const timespec wait{us / 1'000'000, us % 1'000'000 * 1'000};
  ::nanosleep(&wait, nullptr);
}

std::int64_t ahead_ms() {
  return control() != nullptr ? control()->clock_ahead_ms.load() : 0;
}

}  // namespace

extern "C" {

int fsync(int file) {
  static const auto real = next<int (*)(int)>("fsync");
  dawdle();
  return real(file);
}

int fdatasync(int file) {
  static const auto real = next<int (*)(int)>("fdatasync");
  dawdle();
  return real(file);
}

ssize_t pwritev2(int file, const iovec* parts, int count, off_t offset, int flags) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int, off_t, int)>("pwritev2");
  if ((flags & RWF_DSYNC) != 0) dawdle();
  return real(file, parts, count, offset, flags);
}

ssize_t pwritev64v2(int file, const iovec* parts, int count, off64_t offset, int flags) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int, off64_t, int)>("pwritev64v2");
  if ((flags & RWF_DSYNC) != 0) dawdle();
  return real(file, parts, count, offset, flags);
}

int clock_gettime(clockid_t clock, timespec* out) {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int done = real(clock, out);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    const std::int64_t ms = ahead_ms();
    out->tv_sec += ms / 1'000;
    out->tv_nsec += ms % 1'000 * 1'000'000;
    if (out->tv_nsec < 0) --out->tv_sec, out->tv_nsec += 1'000'000'000;
    if (out->tv_nsec >= 1'000'000'000) ++out->tv_sec, out->tv_nsec -= 1'000'000'000;
  }
  return done;
}

time_t time(time_t* out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* out, void*) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1'000;
  return 0;
}
}
