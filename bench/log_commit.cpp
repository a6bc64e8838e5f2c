// What durability costs alone: records of 1 KiB in groups, each group one synced write into a log as the durable
// yardstick (http_loop --durable) writes it, with nothing around it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "bench/support/measure.h"
#include "bench/support/turn_log.h"

namespace penstock::bench {
namespace {

constexpr std::int64_t kWarmUpNs = 200'000'000;

struct Options {
  std::string directory;
  int batch = 1;
  double seconds = 2;
  bool json = false;
};

void measure(const Options& options) {
  TurnLog log(options.directory);
  const std::string payload(1024, 'p');
  std::uint64_t records = 0;
  const auto commit_group = [&] {
    for (int i = 0; i < options.batch; ++i) log.add(TurnLog::Kind::submitted, ++records, payload);
    log.commit();
  };
  const std::int64_t warm_until = now_ns() + kWarmUpNs;
  while (now_ns() < warm_until) commit_group();

  records = 0;
  Samples commits;
  const double cpu_before = own_cpu_seconds();
  const std::int64_t from = now_ns();
  const std::int64_t until = from + static_cast<std::int64_t>(options.seconds * 1e9);
  std::int64_t now = from;
  while (now < until) {
    commit_group();
    const std::int64_t after = now_ns();
    commits.add(after - now);
    now = after;
  }
  const double seconds = static_cast<double>(now - from) / 1e9;
  const double cpu_us = (own_cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(records);
  const double rate = static_cast<double>(records) / seconds;
  const Percentiles commit = commits.percentiles();
  if (options.json) {
    fmt::print(
        "{{\"batch\":{},\"seconds\":{:.3f},\"jobs\":{},\"jobs_per_s\":{:.1f},\"commit_ms\":{},"
        "\"load_cpu_us_per_job\":{:.2f}}}\n",
        options.batch, seconds, records, rate, to_json(commit), cpu_us);
    return;
  }
  fmt::print("{} records a commit: {:.0f} records/s, commit p50 {:.3f} p99 {:.3f} ms, CPU {:.2f} us per record\n",
             options.batch, rate, commit.p50_ms, commit.p99_ms, cpu_us);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::Options options;
  CLI::App app{"Group commit of records of 1 KiB in an append-only log"};
  app.add_option("--dir", options.directory, "where the log is made and removed")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--batch", options.batch, "records that share each commit")->check(CLI::Range(1, 4096));
  app.add_option("--seconds", options.seconds, "measured time")->check(CLI::Range(0.1, 60.0));
  app.add_flag("--json", options.json, "one line of JSON");
  CLI11_PARSE(app, argc, argv);
  penstock::bench::measure(options);
}
