// Writes queued jobs straight into the data directory of a stopped server: by HTTP a million take minutes. With
// --in-log they stay in the log, as after kill -9; otherwise they are in the tables.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "bench/support/measure.h"
#include "store/local_store.h"

namespace penstock::bench {
namespace {

constexpr int kTurnJobs = 64;
constexpr Millis kTtl{24 * 3'600'000};

struct Options {
  std::string data;
  std::string endpoint;
  int jobs = 1'000'000;
  std::size_t payload_bytes = 1024;
  bool in_log = false;
};

core::JobAdded job(const EndpointId& endpoint, const Options& options, TimeOrderedUuids& uuids, Time now) {
  core::JobRequest request;
  request.id = *JobId::parse(uuids.next(now) + "-u1");
  request.endpoint = endpoint;
  request.input = core::bytes('"' + std::string(options.payload_bytes - 2, 'x') + '"');
  request.created = now;
  core::JobState state;
  state.queued = now;
  state.ttl_deadline = now + kTtl;
  return {std::move(request), state};
}

int write(const Options& options) {
  const auto endpoint = EndpointId::parse(options.endpoint);
  if (!endpoint) die(endpoint.error().message);
  store::LocalStoreOptions to;
  to.database = options.data + "/penstock.db";
  to.log_directory = options.data + "/log";
  to.log.durability = store::Durability::every_second;
  if (options.in_log) {
    to.apply_after = Millis{3'600'000};
    to.apply_bytes = to.backlog_bytes_max = std::numeric_limits<std::uint64_t>::max() / 2;
  }
  SystemRandom random;
  TimeOrderedUuids uuids(random);
  auto store = store::open_local_store(to, random);
  if (!store) die(store.error().message);
  if (auto state = (*store)->load(); !state) die(state.error().message);
  const Time now = SystemClock().now();
  for (int written = 0; written < options.jobs;) {
    std::vector<core::Record> turn;
    for (int i = 0; i < kTurnJobs && written < options.jobs; ++i, ++written) {
      turn.emplace_back(job(*endpoint, options, uuids, now));
    }
    if (auto done = (*store)->commit(turn); !done) die(done.error().message);
  }
  if (options.in_log) std::_Exit(0);  // as if killed: closing would bring all of it into the tables
  return 0;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::Options options;
  CLI::App app{"Queued jobs for the data directory of a stopped server"};
  app.add_option("--data", options.data, "the data directory")->required();
  app.add_option("--endpoint", options.endpoint, "endpoint id, of this directory")->required();
  app.add_option("--jobs", options.jobs, "how many")->check(CLI::Range(1, 100'000'000));
  app.add_option("--payload", options.payload_bytes, "bytes of input")->check(CLI::Range(2, 1'000'000));
  app.add_flag("--in-log", options.in_log, "leave them in the log");
  CLI11_PARSE(app, argc, argv);
  return penstock::bench::write(options);
}
