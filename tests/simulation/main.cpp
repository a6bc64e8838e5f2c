#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "simulation.h"

// simulation [--seed N] [--runs N] [--steps N] [--twice] [--narrate]: runs seeds N, N+1, ... and stops at the first
// broken promise.

namespace {

using namespace penstock;
using namespace penstock::simulation;

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t runs = 1;
  int steps = kDefaultSteps;
  bool twice = false;
  bool narrated = false;
};

template <class Number>
bool take_number(const char* text, Number& number) {
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    const char* value = i + 1 < count ? values[i + 1] : "";
    bool known = true;
    if (name == "--twice" || name == "--narrate") {
      (name == "--twice" ? out.twice : out.narrated) = true;
      continue;
    }
    if (name == "--seed") {
      known = take_number(value, out.seed);
    } else if (name == "--runs") {
      known = take_number(value, out.runs);
    } else if (name == "--steps") {
      known = take_number(value, out.steps);
    } else {
      known = false;
    }
    if (!known) return std::nullopt;
    ++i;
  }
  return out;
}

std::uint64_t running_seed = 0;

void on_abort(int) {
  std::fprintf(stderr, "the engine aborted in seed %llu\n", static_cast<unsigned long long>(running_seed));
}

void print(const Tally& t) {
  std::printf("  jobs: %d submitted, %d completed, %d failed, %d cancelled, %d timed out, %d refused, %d forgotten\n",
              t.submitted, t.completed, t.failed, t.cancelled, t.timed_out, t.refused_full, t.forgotten);
  std::printf(
      "  attempts: %d lost, %d handed back, %d late results, %d ignored results, %d retried by clients, %d chunks, %d "
      "stops told\n",
      t.lost_attempts, t.handed_back, t.late_results, t.ignored_results, t.client_retries, t.chunks, t.stops_told);
  std::printf(
      "  workers: %d started, %d attached; %d crashes, %d starts of the server; %d releases, %d endpoints deleted, "
      "%d jobs recalled, %d turns\n",
      t.workers_started, t.workers_attached, t.crashes, t.restarts, t.releases, t.endpoints_deleted, t.recalled,
      t.turns);
}

}  // namespace

int main(int count, char** values) {
  const auto arguments = parse(count, values);
  if (!arguments) {
    std::fprintf(stderr, "usage: simulation [--seed N] [--runs N] [--steps N] [--twice] [--narrate]\n");
    return 2;
  }
  std::signal(SIGABRT, on_abort);
  const auto begin = std::chrono::steady_clock::now();
  Tally total;
  for (std::uint64_t i = 0; i < arguments->runs; ++i) {
    running_seed = arguments->seed + i;
    Scenario scenario = make_scenario(running_seed, arguments->steps);
    scenario.narrated = arguments->narrated;
    const Outcome outcome = simulate(scenario);
    total.add(outcome.tally);
    std::optional<std::string> broken = outcome.violation;
    if (!broken && arguments->twice && simulate(scenario).trace != outcome.trace)
      broken = "two runs of one seed differ";
    if (broken) {
      std::printf("seed %llu: %s\nagain: %s\n", static_cast<unsigned long long>(running_seed), broken->c_str(),
                  reproduce(running_seed, arguments->steps).c_str());
      return 1;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%llu runs in %.1f s: %.0f a minute\n", static_cast<unsigned long long>(arguments->runs), seconds,
              60.0 * static_cast<double>(arguments->runs) / seconds);
  print(total);
  return 0;
}
