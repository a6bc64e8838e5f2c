// The lightest worker of a process endpoint, to see what a cold start costs without any language's runtime. It notes
// the time at which main() began, then takes jobs and answers each with its times (CLOCK_MONOTONIC, ns).
//
//   cold_worker                    works
//   cold_worker --stamp            prints the time and ends: what posix_spawn and exec alone cost
//   cold_worker PROGRAM [ARG..]    becomes PROGRAM, with the time in PENSTOCK_BENCH_MAIN_NS
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench/support/http.h"
#include "bench/support/measure.h"
#include "bench/support/stream.h"

namespace penstock::bench {
namespace {

constexpr int kPollSeconds = 100;  // longer than the server holds a poll

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) die(fmt::format("{} is not set", name));
  return value;
}

struct Target {
  int port;
  std::string path;
};

Target target_of(const std::string& url) {
  const std::size_t path = url.find('/', std::strlen("http://"));
  if (path == std::string::npos) die("not a URL: " + url);
  return {loopback_port(url.substr(0, path)), url.substr(path)};
}

[[noreturn]] void work(std::int64_t main_ns) {
  const Target take = target_of(variable("RUNPOD_WEBHOOK_GET_JOB"));
  const Target done = target_of(variable("RUNPOD_WEBHOOK_POST_OUTPUT"));
  const std::string key = variable("RUNPOD_AI_API_KEY");
  const std::size_t place = done.path.find("$ID");
  if (place == std::string::npos) die("RUNPOD_WEBHOOK_POST_OUTPUT has no $ID");
  std::string take_request;
  append_request(take_request, "GET", take.path + "&job_in_progress=0", key, {});
  while (true) {
    int status = 0;
    const std::int64_t take_ns = now_ns();
    const std::string job = ask(take.port, take_request, status, kPollSeconds);
    if (status == 204) continue;
    if (status != 200) die(fmt::format("job-take was answered {}: {}", status, job));
    const std::int64_t job_ns = now_ns();
    std::string path = done.path;
    path.replace(place, std::strlen("$ID"), text_member(job, "id"));
    std::string request;
    append_request(
        request, "POST", path + "&isStream=false", key,
        fmt::format("{{\"output\":{{\"main_ns\":{},\"take_ns\":{},\"job_ns\":{}}}}}", main_ns, take_ns, job_ns));
    const std::string answer = ask(done.port, request, status, kPollSeconds);
    if (status != 200) die(fmt::format("job-done was answered {}: {}", status, answer));
  }
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  const std::int64_t main_ns = penstock::bench::now_ns();
  if (argc < 2) penstock::bench::work(main_ns);
  if (std::strcmp(argv[1], "--stamp") == 0) {
    std::printf("%lld\n", static_cast<long long>(main_ns));
    return 0;
  }
  setenv("PENSTOCK_BENCH_MAIN_NS", std::to_string(main_ns).c_str(), 1);
  execvp(argv[1], argv + 1);
  penstock::bench::die(fmt::format("{} cannot be run: {}", argv[1], std::strerror(errno)));
}
